/* SPDX-License-Identifier: MIT */
/* deflate_params.c - the parameters of permessage-deflate (RFC 7692, section
 * 7.1). Read struct params, then upf_deflate_accept(). */

#include <string.h>

#include "deflate_params.h"
#include "../handshake.h"

/* ---- Reading ------------------------------------------------------------ */

enum { ABSENT = 0, NO_VALUE = 1 }; /* else a window */

/* As they are written: of an offer or of an answer. */
struct params {
    uint8_t server_no_takeover, client_no_takeover;
    uint8_t server_window, client_window;
};

/* A decimal from 8 to 15, without leading zeros (section 7.1.2.1); or ABSENT,
 * if it is none. */
static uint8_t window_of(upf_str value)
{
    if (value.len == 1 && (value.data[0] == '8' || value.data[0] == '9'))
        return (uint8_t)(value.data[0] - '0');
    if (value.len == 2 && value.data[0] == '1' &&
        value.data[1] >= '0' && value.data[1] <= '5')
        return (uint8_t)(10 + value.data[1] - '0');
    return ABSENT;
}

/* Where the parameter called `name` is kept, and whether its value is a
 * window. */
static uint8_t *field_of(struct params *params, upf_str name, bool *is_window)
{
    const struct { const char *name; uint8_t *field; bool is_window; } all[] = {
        {"server_no_context_takeover", &params->server_no_takeover, false},
        {"client_no_context_takeover", &params->client_no_takeover, false},
        {"server_max_window_bits", &params->server_window, true},
        {"client_max_window_bits", &params->client_window, true}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (upf_str_equals_nocase(name, all[i].name)) {
            *is_window = all[i].is_window;
            return all[i].field;
        }
    }
    return NULL;
}

/* Section 7.1 has all of them declined: what is not known, comes twice, or has
 * a value that it may not have. */
static bool read_params(struct params *params, upf_str text)
{
    upf_str name, value;

    *params = (struct params){0};
    while (upf_param_next(&text, &name, &value)) {
        bool     is_window = false;
        uint8_t *field     = field_of(params, name, &is_window);
        if (field == NULL || *field != ABSENT)
            return false;
        *field = value.data == NULL ? NO_VALUE
                 : is_window        ? window_of(value) : ABSENT;
        if (*field == ABSENT)
            return false;
    }
    return params->server_window != NO_VALUE;
}

/* ---- Writing ------------------------------------------------------------ */

static size_t put(char *out, size_t len, const char *text)
{
    memcpy(out + len, text, strlen(text));
    return len + strlen(text);
}

static size_t put_window(char *out, size_t len, const char *text, uint8_t window)
{
    len = put(out, len, text);
    if (window >= 10)
        out[len++] = '1';
    out[len++] = (char)('0' + window % 10);
    return len;
}

/* ---- Offer and answer --------------------------------------------------- */

static uint8_t lesser_window(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

/* The window of a wish, which within one message may be as large as any. */
static uint8_t window_wanted(uint8_t wish)
{
    return wish == 0 ? UPF_WINDOW_MAX : wish;
}

/* That the client can do with any window is always said: it costs nothing, and
 * only who has heard it may ask for a smaller one (section 7.1.2.2). */
size_t upf_deflate_offer(const struct upf_deflate_wish *wish, char *out)
{
    size_t len = put(out, 0, "; client_max_window_bits");

    if (wish->send == 0)
        len = put(out, len, "; client_no_context_takeover");
    if (wish->receive == 0)
        len = put(out, len, "; server_no_context_takeover");
    else if (wish->receive < UPF_WINDOW_MAX)
        len = put_window(out, len, "; server_max_window_bits=", wish->receive);
    return len;
}

bool upf_deflate_accept(const struct upf_deflate_wish *wish, upf_str text,
                        struct upf_deflate_terms *terms)
{
    struct params offer;

    if (!read_params(&offer, text))
        return false;
    terms->names_server_window = offer.server_window != ABSENT;
    terms->server.takeover     = wish->send != 0 && !offer.server_no_takeover;
    terms->server.window       = window_wanted(wish->send);
    if (terms->names_server_window)
        terms->server.window =
            lesser_window(terms->server.window, offer.server_window);

    /* The answer may limit the client's window only if the client has said that
     * it understands that (section 7.1.2.2). */
    terms->client.takeover = wish->receive != 0 && !offer.client_no_takeover;
    terms->client.window   = window_wanted(wish->receive);
    if (offer.client_window == ABSENT) {
        terms->client.takeover &= wish->receive == UPF_WINDOW_MAX;
        terms->client.window = UPF_WINDOW_MAX;
    } else if (offer.client_window != NO_VALUE) {
        terms->client.window =
            lesser_window(terms->client.window, offer.client_window);
    }
    return true;
}

size_t upf_deflate_answer(const struct upf_deflate_terms *terms, char *out)
{
    size_t len = 0;

    if (!terms->server.takeover)
        len = put(out, len, "; server_no_context_takeover");
    if (!terms->client.takeover)
        len = put(out, len, "; client_no_context_takeover");
    if (terms->names_server_window)
        len = put_window(out, len, "; server_max_window_bits=",
                         terms->server.window);
    if (terms->client.window < UPF_WINDOW_MAX)
        len = put_window(out, len, "; client_max_window_bits=",
                         terms->client.window);
    return len;
}

/* What the offer asked of the server has to be in the answer (sections 7.1.1.1
 * and 7.1.2.1); what the server adds to that binds it, or us. */
bool upf_deflate_agree(const struct upf_deflate_wish *wish, upf_str text,
                       struct upf_deflate_terms *terms)
{
    struct params answer;

    if (!read_params(&answer, text) || answer.client_window == NO_VALUE)
        return false;
    terms->names_server_window = answer.server_window != ABSENT;
    terms->server.window       = terms->names_server_window
                                     ? answer.server_window : UPF_WINDOW_MAX;
    terms->server.takeover     = !answer.server_no_takeover;
    terms->client.window       = window_wanted(wish->send);
    if (answer.client_window != ABSENT)
        terms->client.window =
            lesser_window(terms->client.window, answer.client_window);
    terms->client.takeover = wish->send != 0 && !answer.client_no_takeover;
    return wish->receive == 0 ? !terms->server.takeover
                              : terms->server.window <= wish->receive;
}
