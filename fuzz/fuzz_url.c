/* SPDX-License-Identifier: MIT */
/* fuzz_url.c - URLs, and the request that a client makes of one. */
/*
 * Input: strings that end with a NUL or with the input: the URL, Origin, the
 * name and the value of a header, a subprotocol.
 */

#include <string.h>

#include <upframe/conn.h>

#include "bytes.h"
#include "check.h"
#include "memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { URL, ORIGIN, NAME, VALUE, SUBPROTOCOL, STRINGS };

/* The next string of the input, in memory of exactly its size. */
static char *take_string(const uint8_t **data, size_t *len)
{
    const uint8_t *nul = *len > 0 ? memchr(*data, 0, *len) : NULL;
    const size_t   n   = nul != NULL ? (size_t)(nul - *data) : *len;
    char          *text = malloc(n + 1);

    CHECK(text != NULL, "no memory for %zu", n);
    if (n > 0)
        memcpy(text, *data, n);
    text[n] = '\0';
    *data += n;
    *len  -= n;
    if (*len > 0) {
        (*data)++;
        (*len)--;
    }
    return text;
}

static bool is_within(upf_str part, const char *text)
{
    return part.data >= text && part.data <= text + strlen(text) &&
           part.len <= strlen(text) - (size_t)(part.data - text);
}

static bool is_same(upf_str a, upf_str b)
{
    return a.len == b.len &&
           (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The port, read by hand: what stands behind the host, or the scheme's. */
static void check_port(const char *text, const upf_url *url)
{
    const char   *port     = url->host.data + url->host.len;
    unsigned long standard = url->secure ? 443 : 80;

    port += *port == ']';
    if (port[0] == ':' && port[1] >= '0' && port[1] <= '9')
        standard = strtoul(port + 1, NULL, 10);
    CHECK(url->port == standard, "port %u of %s", url->port, text);
}

static void check_url(const char *text, const upf_url *url)
{
    CHECK(is_within(url->host, text) && is_within(url->authority, text) &&
              is_within(url->target, text),
          "a part is not of the URL");
    CHECK(url->host.len > 0 && url->port > 0, "no host or no port");
    check_port(text, url);
    CHECK(url->target.len == 0 || strchr("/?", url->target.data[0]) != NULL,
          "target begins with %c", url->target.data[0]);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        CHECK(*c >= ' ' && *c != 0x7F && *c != '#', "character %d", *c);
}

/* Put together again from its parts, it is the same URL. */
static void check_rebuilt(const upf_url *url)
{
    struct bytes again = {0};
    upf_url      twin;

    bytes_add(&again, url->secure ? "wss://" : "ws://", url->secure ? 6 : 5);
    bytes_add(&again, url->authority.data, url->authority.len);
    bytes_add(&again, url->target.data, url->target.len);
    bytes_add(&again, "", 1);
    CHECK(upf_url_parse((char *)again.data, &twin) == UPF_OK, "refused: %s",
          (char *)again.data);
    CHECK(twin.secure == url->secure && twin.port == url->port &&
              is_same(twin.host, url->host) &&
              is_same(twin.authority, url->authority) &&
              is_same(twin.target, url->target),
          "another URL: %s", (char *)again.data);
    bytes_free(&again);
}

/* How many header lines; and the value of the one that is asked for. */
static size_t count_headers(upf_str headers, const char *wanted, upf_str *value)
{
    upf_str name, content;
    size_t  count = 0;

    *value = (upf_str){NULL, 0};
    for (; upf_header_next(&headers, &name, &content); count++)
        if (upf_str_equals_nocase(name, wanted) && value->data == NULL)
            *value = content;
    return count;
}

/* White space around a value is no part of it. */
static bool is_value(upf_str got, const char *sent)
{
    while (*sent == ' ' || *sent == '\t')
        sent++;
    size_t len = strlen(sent);
    while (len > 0 && (sent[len - 1] == ' ' || sent[len - 1] == '\t'))
        len--;
    return is_same(got, (upf_str){sent, len});
}

/* `sent` is `target` behind a slash, each byte itself or percent-encoded. */
static bool is_encoded(upf_str sent, upf_str target)
{
    size_t at = target.len == 0 || target.data[0] != '/';

    for (size_t i = 0; i < target.len; i++) {
        const unsigned char c = (unsigned char)target.data[i];
        char code[4];

        snprintf(code, sizeof code, "%%%02X", c);
        if (at < sent.len && sent.data[at] == (char)c)
            at++;
        else if (sent.len >= 3 && at <= sent.len - 3 &&
                 memcmp(sent.data + at, code, 3) == 0)
            at += 3;
        else
            return false;
    }
    for (size_t i = 0; i < sent.len; i++)
        if (sent.data[i] <= ' ' || sent.data[i] >= 0x7F)
            return false;
    return at == sent.len;
}

/* A request that our own server takes, with the strings where they belong. */
static void check_request(upf_conn *conn, char *const *strings,
                          const upf_url *url)
{
    upf_slice   slice;
    upf_request request;
    upf_str     value;

    CHECK(upf_conn_output(conn, &slice, 1) == 1, "not one slice");
    char *head = exact_copy(slice.data, slice.len);
    const upf_status status = upf_request_parse(head, slice.len, &request);
    CHECK(status == UPF_OK, "%s:\n%.*s", upf_status_name(status),
          (int)slice.len, head);
    CHECK(is_same(request.host, url->authority), "another host:\n%.*s",
          (int)slice.len, head);
    CHECK(is_encoded(request.target, url->target), "another target:\n%.*s",
          (int)slice.len, head);
    CHECK(is_value(request.origin, strings[ORIGIN]), "another Origin");
    CHECK(count_headers(request.headers, strings[NAME], &value) == 8,
          "another number of header lines:\n%.*s", (int)slice.len, head);
    CHECK(is_value(value, strings[VALUE]), "another value");
    CHECK(upf_request_offers(&request, strings[SUBPROTOCOL]),
          "another subprotocol");
    free(head);
}

static void check_client(char *const *strings, const upf_url *url)
{
    struct memory     memory       = {.allowed = 1 << 20};
    struct randomness randomness   = {0};
    const char       *subprotocols[] = {strings[SUBPROTOCOL], NULL};
    const upf_header  header       = {strings[NAME], strings[VALUE]};
    upf_config        config       = upf_config_default();
    upf_conn          conn;

    config.alloc        = memory_alloc;
    config.alloc_user   = &memory;
    config.random       = randomness_fill;
    config.random_user  = &randomness;
    config.subprotocols = subprotocols;

    const upf_client_request request = {.url          = strings[URL],
                                        .origin       = strings[ORIGIN],
                                        .headers      = &header,
                                        .header_count = 1};
    const upf_status status = upf_conn_init_client(&conn, &config, &request);
    if (url == NULL)
        CHECK(status == UPF_ERR_URL || status == UPF_ERR_ARGUMENT, "%s",
              upf_status_name(status));
    else if (status == UPF_OK)
        check_request(&conn, strings, url);
    else
        CHECK(status == UPF_ERR_ARGUMENT && upf_conn_queued(&conn) == 0, "%s",
              upf_status_name(status));
    upf_conn_free(&conn);
    CHECK(memory.live == 0 && memory.blocks == 0, "%zu bytes kept",
          memory.live);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char   *strings[STRINGS];
    upf_url url;

    for (int i = 0; i < STRINGS; i++)
        strings[i] = take_string(&data, &len);
    const upf_status status = upf_url_parse(strings[URL], &url);
    size_t at = strlen(strings[URL]);
    CHECK((upf_url_fault(strings[URL], &at) == NULL) == (status == UPF_OK),
          "a fault, or none");
    CHECK(at <= strlen(strings[URL]), "position %zu", at);
    if (status == UPF_OK) {
        check_url(strings[URL], &url);
        check_rebuilt(&url);
    } else {
        CHECK(status == UPF_ERR_URL, "%s", upf_status_name(status));
    }
    check_client(strings, status == UPF_OK ? &url : NULL);
    for (int i = 0; i < STRINGS; i++)
        free(strings[i]);
    return 0;
}
