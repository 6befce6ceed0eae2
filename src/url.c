/* SPDX-License-Identifier: MIT */
/* url.c - WebSocket URLs (RFC 6455, section 3), request targets, and which
 * origins may connect. */

#include <string.h>

#include "str.h"
#include "url.h"

/* ---- Characters (RFC 3986, section 2) ----------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_alpha(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* How many characters at the beginning of `text` are unreserved, a sub-delim,
 * or part of a percent-encoded byte. */
static size_t uri_run(upf_str text)
{
    size_t n = 0;

    for (;;) {
        n += upf_chars_span((upf_str){text.data + n, text.len - n},
                           UPF_HOST_CHARS);
        if (n == text.len)
            return n;

        const char *c = text.data + n;
        if (*c == '%' && text.len - n >= 3 && is_hex(c[1]) && is_hex(c[2]))
            n += 3;
        else
            return n;
    }
}

/* ---- Host and port (RFC 3986, section 3.2) ------------------------------ */

/* Whether an IPv4 address and a ']' begin at `at`: four numbers from 0 to 255
 * without leading zeros. */
static bool is_ipv4(const char *at)
{
    for (int octet = 0; octet < 4; octet++) {
        if (octet > 0 && *at++ != '.')
            return false;

        const char *const start = at;
        int value = 0;
        while (is_digit(*at) && value <= 255)
            value = value * 10 + (*at++ - '0');
        if (at == start || value > 255 || (*start == '0' && at - start > 1))
            return false;
    }
    return *at == ']';
}

/*
 * Whether an IPv6 address and a ']' begin at `at`: eight groups of up to four
 * hex digits, with colons between them. "::" may stand, once, for one or more
 * groups of zeros, and an IPv4 address for the last two groups.
 */
static bool is_ipv6(const char *at)
{
    bool elided = false;
    size_t groups = 0;

    for (; *at != ']' || groups == 0; groups++) {
        if (at[0] == ':' && at[1] == ':') {
            if (elided)
                return false;
            elided = true;
            at += 2;
            if (*at == ']')
                break;
        } else if (groups > 0 && *at++ != ':') {
            return false;
        }

        const char *const start = at;
        while (is_hex(*at))
            at++;
        if (*at == '.') {
            if (!is_ipv4(start))
                return false;
            groups += 2;
            break;
        }
        if (at == start || at - start > 4)
            return false;
    }
    return elided ? groups < 8 : groups == 8;
}

/* No digits mean no port: *port is 0. */
static bool parse_port(upf_str digits, uint16_t *port)
{
    uint32_t value = 0;

    for (size_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.data[i]))
            return false;
        value = value * 10 + (uint32_t)(digits.data[i] - '0');
        if (value > UINT16_MAX)
            return false;
    }
    *port = (uint16_t)value;
    return digits.len == 0 || value > 0;
}

bool upf_authority_parse(upf_str text, struct upf_authority *authority)
{
    struct upf_authority a = {text, 0};

    if (text.len == 0)
        return false;
    if (text.data[0] == '[') {
        const char *end = memchr(text.data, ']', text.len);
        if (end == NULL)
            return false;
        a.host.len = (size_t)(end - text.data) + 1;
        if (!is_ipv6(text.data + 1))
            return false;
    } else {
        a.host.len = upf_chars_span(text, UPF_HOST_CHARS);
        if (a.host.len < text.len && text.data[a.host.len] == '%')
            a.host.len = uri_run(text);
        if (a.host.len == 0)
            return false;
    }
    if (a.host.len < text.len) {
        const char *behind = text.data + a.host.len;
        if (*behind != ':' ||
            !parse_port((upf_str){behind + 1, text.len - a.host.len - 1},
                        &a.port))
            return false;
    }
    *authority = a;
    return true;
}

/* ---- URLs --------------------------------------------------------------- */

static upf_str take(upf_str *text, size_t n)
{
    const upf_str head = {text->data, n};

    text->data += n;
    text->len  -= n;
    return head;
}

/* Take what comes before path and query off `text`. */
static upf_str take_authority(upf_str *text)
{
    size_t n = 0;

    while (n < text->len && text->data[n] != '/' && text->data[n] != '?')
        n++;
    return take(text, n);
}

/* Take the scheme and the "://" after it off `text`; len 0 if there is none. */
static upf_str take_scheme(upf_str *text)
{
    upf_str scheme = {text->data, 0};

    for (size_t n = 0; text->len - n >= 3; n++)
        if (memcmp(text->data + n, "://", 3) == 0) {
            scheme = take(text, n);
            take(text, 3);
            break;
        }
    return scheme;
}

/* The port that a URL with this scheme has if it names none; 0 if the scheme is
 * not one of HTTP or WebSocket. */
static uint16_t default_port(upf_str scheme)
{
    static const char schemes[][6] = {"http", "ws", "https", "wss"};

    for (int i = 0; i < 4; i++)
        if (upf_str_equals_nocase(scheme, schemes[i]))
            return i < 2 ? 80 : 443;
    return 0;
}

/* The results of upf_url_fault(). */
static const char not_a_scheme[] = "it does not begin with ws:// or wss://",
    no_host[] = "there is no host",
    user_info[] = "user name and password: send them in an Authorization field",
    zone[] = "an IPv6 zone, which means something on this machine only, is no "
             "part of a URL",
    bad_ipv6[] = "not an IPv6 address in brackets",
    foreign_host[] = "a host in other letters than ASCII: write its xn-- form",
    bad_host[] = "a character that no host has",
    bad_port[] = "not a port from 1 to 65535",
    fragment[] = "a fragment, \"#...\": it is never sent, and a WebSocket has "
                 "none; write %23 for the character itself",
    control[] = "a control character",
    backslash[] = "a backslash: write a slash, or %5C",
    blank_end[] = "a blank at the end";

/* Why upf_authority_parse() refuses `whole`; *at is the place of the fault. */
static const char *authority_fault(upf_str whole, const char **at)
{
    *at = whole.data;
    if (whole.len == 0 || *whole.data == ':')
        return no_host;
    if (memchr(whole.data, '@', whole.len) != NULL)
        return user_info;

    size_t n;
    if (*whole.data == '[') {
        const char *end = memchr(whole.data, ']', whole.len);
        n = end != NULL ? (size_t)(end - whole.data) + 1 : whole.len;
        const char *percent = memchr(whole.data, '%', n);
        if (percent != NULL) {
            *at = percent;
            return zone;
        }
        if (end == NULL || !is_ipv6(whole.data + 1))
            return bad_ipv6;
    } else {
        n = uri_run(whole);
    }
    *at = whole.data + n;
    if (n < whole.len && **at == ':') {
        *at += 1;
        return bad_port;
    }
    return **at == '#'                 ? fragment
           : **at == '\\'              ? backslash
           : (unsigned char)**at > 0x7F ? foreign_host
                                        : bad_host;
}

/*
 * Why path and query are refused; NULL if they are not. Refused are a fragment
 * (section 3), and what browsers remove or turn into something else. Any other
 * character that must not be sent is accepted, and sent percent-encoded.
 */
static const char *target_fault(upf_str target, const char **at)
{
    bool in_query = false;

    for (size_t i = 0; i < target.len; i++) {
        const unsigned char c = (unsigned char)target.data[i];
        *at = target.data + i;
        if (c < 0x20 || c == 0x7F)
            return control;
        if (c == '#')
            return fragment;
        if (c == '\\' && !in_query)
            return backslash;
        if (c == ' ' && i + 1 == target.len)
            return blank_end;
        in_query = in_query || c == '?';
    }
    return NULL;
}

/* Returns NULL with *url written; or what upf_url_fault() returns, with *at set
 * to the place of the fault. */
static const char *parse_url(const char *text, upf_url *url, const char **at)
{
    upf_str rest = upf_str_of(text);
    const upf_str  scheme   = take_scheme(&rest);
    const uint16_t standard = default_port(scheme);

    *at = text;
    if (standard == 0 || (scheme.data[0] | 0x20) != 'w')
        return not_a_scheme;

    const upf_str whole = take_authority(&rest);
    struct upf_authority authority;
    if (!upf_authority_parse(whole, &authority))
        return authority_fault(whole, at);

    const char *fault = target_fault(rest, at);
    if (fault != NULL)
        return fault;

    const bool bracketed = authority.host.data[0] == '[';
    url->secure    = standard == 443;
    url->host      = authority.host;
    url->port      = authority.port ? authority.port : standard;
    url->authority = url->port == standard ? authority.host : whole;
    url->target    = rest;
    if (bracketed) {
        url->host.data += 1;
        url->host.len  -= 2;
    }
    return NULL;
}

upf_status upf_url_parse(const char *text, upf_url *url)
{
    const char *at;

    return text != NULL && parse_url(text, url, &at) == NULL ? UPF_OK
                                                             : UPF_ERR_URL;
}

const char *upf_url_fault(const char *text, size_t *position)
{
    upf_url     url;
    const char *at;

    if (text == NULL)
        text = ""; /* refused for its lack of a scheme */
    const char *fault = parse_url(text, &url, &at);
    if (fault != NULL && position != NULL)
        *position = (size_t)(at - text);
    return fault;
}

/* ---- Request targets ---------------------------------------------------- */

/*
 * How many characters at the beginning of `text` may be in a target. Clients
 * send more than RFC 3986 allows, raw UTF-8 for instance, and the application
 * decides what a path may hold.
 */
static size_t target_run(upf_str text)
{
    size_t n = 0;

    for (;;) {
        n += upf_chars_span((upf_str){text.data + n, text.len - n},
                           UPF_TARGET_CHARS);
        if (n == text.len || (unsigned char)text.data[n] < 0x80)
            return n;
        n++;
    }
}

/* Absolute-form (RFC 9112, section 3.2.2): a URL, which must name the same
 * server as Host. */
static upf_status split_absolute(upf_str *target, upf_str *host,
                                 bool is_options)
{
    upf_str rest = *target;
    const uint16_t standard = default_port(take_scheme(&rest));
    const upf_str  whole    = take_authority(&rest);
    struct upf_authority named, ours;

    if (standard == 0 || !upf_authority_parse(whole, &named))
        return UPF_ERR_TARGET;
    if (!upf_authority_parse(*host, &ours))
        return host->data != NULL ? UPF_ERR_HOST : UPF_ERR_HOST_MISSING;
    if (!upf_str_same_nocase(named.host, ours.host) ||
        (named.port ? named.port : standard) !=
            (ours.port ? ours.port : standard))
        return UPF_ERR_AUTHORITY;

    *host   = whole;
    *target = rest.len > 0 ? rest
              : is_options ? UPF_LITERAL("*") /* RFC 9112, section 3.2.4 */
                           : UPF_LITERAL("/");
    return UPF_OK;
}

/* upf_target_split() of any target but the usual one, a path in ASCII. */
static upf_status split_target(upf_str *target, upf_str *host, bool is_options)
{
    const size_t n = target_run(*target);

    if (n < target->len)
        return target->data[n] == '#' ? UPF_ERR_TARGET_FRAGMENT
                                      : UPF_ERR_TARGET_CHARACTER;
    if (n > 0 && target->data[0] == '/')
        return UPF_OK;
    if (is_options && upf_str_same(*target, UPF_LITERAL("*")))
        return UPF_OK;
    return split_absolute(target, host, is_options);
}

upf_status upf_target_split(upf_str *target, upf_str *host, bool is_options)
{
    if (target->len > 0 && target->data[0] == '/' &&
        upf_chars_span(*target, UPF_TARGET_CHARS) == target->len)
        return UPF_OK;
    return split_target(target, host, is_options);
}

/* ---- Origins (RFC 6454, section 7; RFC 6455, section 10.2) -------------- */

struct origin {
    upf_str  scheme, host;
    uint16_t port; /* 0: none was given, and the scheme has no default */
};

bool upf_is_scheme(upf_str text)
{
    if (text.len == 0 || !is_alpha(text.data[0]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.')
            return false;
    }
    return true;
}

/* Parse scheme://host[:port]. Nothing may follow, not even "/". */
static bool parse_origin(upf_str text, struct origin *origin)
{
    const upf_str scheme = take_scheme(&text);
    struct upf_authority authority;

    if (!upf_is_scheme(scheme))
        return false;
    if (!upf_authority_parse(text, &authority))
        return false;
    *origin = (struct origin){
        scheme, authority.host,
        authority.port ? authority.port : default_port(scheme)};
    return true;
}

static bool is_same_origin(const struct origin *a, const struct origin *b)
{
    return upf_str_same_nocase(a->scheme, b->scheme) &&
           upf_str_same_nocase(a->host, b->host) && a->port == b->port;
}

/*
 * Whether the origin has our host and port. Only for http and https: the hosts
 * of other schemes (capacitor://localhost) do not name servers. If `host` has
 * no port, our port is `standard`. If `standard` is 0, our port is the default
 * of the origin's scheme: our own scheme is not known, since a proxy may have
 * ended the TLS.
 */
static bool is_same_host(const struct origin *origin, upf_str host,
                         uint16_t standard)
{
    struct upf_authority ours;

    if (standard == 0)
        standard = default_port(origin->scheme);
    if (!upf_str_equals_nocase(origin->scheme, "http") &&
        !upf_str_equals_nocase(origin->scheme, "https"))
        return false;
    return upf_authority_parse(host, &ours) &&
           upf_str_same_nocase(origin->host, ours.host) &&
           origin->port == (ours.port ? ours.port : standard);
}

/* An origin that is not scheme://host[:port], such as "null" and "file://", is
 * compared byte by byte. */
static bool is_listed(upf_str origin, const struct origin *parsed,
                      const char *entry)
{
    struct origin listed;

    if (strcmp(entry, "*") == 0)
        return true;
    return parsed != NULL && parse_origin(upf_str_of(entry), &listed)
               ? is_same_origin(parsed, &listed)
               : upf_str_equals(origin, entry);
}

static bool may_connect(upf_str origin, upf_str host, uint16_t standard,
                        const char *const *allowed)
{
    if (origin.data == NULL)
        return true;
    if (origin.len == 0)
        return false; /* no origin at all: not even "*" allows it */

    struct origin tuple;
    const bool is_tuple = parse_origin(origin, &tuple);

    for (; allowed != NULL && *allowed != NULL; allowed++)
        if (is_listed(origin, is_tuple ? &tuple : NULL, *allowed))
            return true;
    return is_tuple && is_same_host(&tuple, host, standard);
}

bool upf_origin_allowed(upf_str origin, upf_str host,
                        const char *const *allowed)
{
    return may_connect(origin, host, 0, allowed);
}

bool upf_request_origin_allowed(const upf_request *request,
                                const char *const *allowed)
{
    upf_str    sent    = request->target_as_sent;
    const bool is_path = sent.len > 0 && *sent.data == '/'; /* the usual case */

    return may_connect(request->origin, request->host,
                       is_path ? 0 : default_port(take_scheme(&sent)), allowed);
}

bool upf_is_origin_of(upf_str origin, upf_str host)
{
    if (origin.len <= host.len)
        return false;

    const size_t n = origin.len - host.len;
    const upf_str scheme = {origin.data, n}, rest = {origin.data + n, host.len};
    return (upf_str_same(scheme, UPF_LITERAL("https://")) ||
            upf_str_same(scheme, UPF_LITERAL("http://"))) &&
           upf_str_same(rest, host);
}
