/* SPDX-License-Identifier: MIT */
/*
 * config_rules.h - one row for each thing that must, or should, hold of a
 * upf_config.
 *
 * The including file defines the macros that it wants; the others expand to
 * nothing, and after the include none is defined. `config` is the struct to
 * check.
 *
 *   MUST(field, holds, why)    if not, a connection cannot begin
 *   SHOULD(field, holds, why)  if not, it cannot be what was intended
 */

#ifndef MUST
#define MUST(field, holds, why)
#endif
#ifndef SHOULD
#define SHOULD(field, holds, why)
#endif

/* clang-format off */
MUST(max_message,    config->max_message > 0,    "is 0: it allows no message")
MUST(max_frame,      config->max_frame > 0,      "is 0: it allows no payload")
MUST(max_fragments,  config->max_fragments > 0,  "is 0: it allows no message")
MUST(max_head,       config->max_head > 0,       "is 0: it allows no handshake")
MUST(max_head_line,  config->max_head_line > 0,  "is 0: it allows no handshake")
MUST(max_head_lines, config->max_head_lines > 0, "is 0: it allows no handshake")
MUST(max_queued,     config->max_queued > 0,     "is 0: it allows no sending")
MUST(high_water,     config->high_water > 0,     "is 0: it allows no reply")
MUST(pause_reading,  (unsigned)config->pause_reading <= UPF_PAUSE_NEVER,
     "is none of UPF_PAUSE_BY_ROLE to UPF_PAUSE_NEVER")
MUST(alloc,          config->alloc != NULL,      "is NULL: there is no memory")
MUST(random,         config->random != NULL,     "is NULL: there are no masks")
MUST(subprotocols,   upf_are_tokens(config->subprotocols),
     "has a name that is no token: letters, digits and !#$%&'*+-.^_`|~")

/* With a name twice a server's connection begins, but a client's does not. */
SHOULD(subprotocols, are_unique(config->subprotocols), "has a name twice")
/* With less than this, neither role could receive any handshake. */
SHOULD(max_head,       config->max_head >= LEAST_HEAD,
       "is too small for any handshake: it is in bytes")
SHOULD(max_head_line,  config->max_head_line >= LEAST_LINE,
       "is too small for any handshake: it is in bytes")
SHOULD(max_head_lines, config->max_head_lines >= LEAST_LINES,
       "is too small for any handshake")
SHOULD(high_water,     config->high_water <= config->max_queued,
       "is over max_queued: sends fail before reading pauses")
/* No browser sends such an origin (RFC 6454, section 6.2), so that the entry
 * would match no request. */
SHOULD(origins,        lacks(config->origins, NO_SCHEME),
       "has one without a scheme: write https://app.example.com")
SHOULD(origins,        lacks(config->origins, WILDCARD),
       "has one with a wildcard: name each origin, or \"*\" alone for all")
SHOULD(origins,        lacks(config->origins, PATH),
       "has one with a path, be it a slash: it is scheme://host[:port]")
SHOULD(origins,        lacks(config->origins, NOT_ASCII),
       "has one in other letters than ASCII: browsers send its xn-- form")
SHOULD(origins,        lacks(config->origins, BAD_PORT),
       "has one with a port that is not from 1 to 65535")
SHOULD(origins,        lacks(config->origins, BAD_HOST),
       "has one with a host that no browser sends: it is scheme://host[:port]")
/* clang-format on */

#undef MUST
#undef SHOULD
