/* SPDX-License-Identifier: MIT */
/* fuzz_request.c - a request head: found, parsed, judged. */

#include <string.h>
#include <strings.h>

#include <upframe/handshake.h>

#include "../src/http.h"
#include "../src/http_scan.h"
#include "bytes.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* ---- The scanner: whole, and in pieces ---------------------------------- */

struct scanned {
    upf_status           status;
    size_t               taken;
    struct upf_head_scan scan;
};

/* Feed `step` bytes at a time, each time in memory of exactly that size. */
static struct scanned scan(const struct upf_head_limits *limits,
                           const uint8_t *data, size_t len, size_t step)
{
    struct scanned s = {.status = UPF_NEED_MORE};

    while (s.taken < len && s.status == UPF_NEED_MORE) {
        const size_t n     = step < len - s.taken ? step : len - s.taken;
        uint8_t     *piece = exact_copy(data + s.taken, n);
        size_t       taken = n + 1;

        s.status = upf_head_scan(&s.scan, limits, piece, n, &taken);
        CHECK(taken <= n, "%zu taken of %zu", taken, n);
        CHECK(s.status != UPF_NEED_MORE || taken == n, "bytes were left");
        s.taken += taken;
        free(piece);
    }
    return s;
}

static struct scanned check_scan(const struct upf_head_limits *limits,
                                 const uint8_t *data, size_t len)
{
    const struct scanned whole = scan(limits, data, len, len);
    const size_t         steps[] = {1, 2, 7, len / 2 + 1};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const struct scanned cut = scan(limits, data, len, steps[i]);
        CHECK(cut.status == whole.status && cut.taken == whole.taken,
              "%s at %zu, but %s at %zu in pieces of %zu",
              upf_status_name(whole.status), whole.taken,
              upf_status_name(cut.status), cut.taken, steps[i]);
        CHECK(cut.scan.bytes == whole.scan.bytes &&
                  cut.scan.lines == whole.scan.lines &&
                  cut.scan.line_bytes == whole.scan.line_bytes &&
                  cut.scan.state == whole.scan.state,
              "another state in pieces of %zu", steps[i]);
    }
    CHECK(whole.taken <= limits->bytes, "%zu taken, over the limit",
          whole.taken);
    if (whole.status == UPF_OK)
        CHECK(whole.taken >= 4 &&
                  memcmp(data + whole.taken - 4, "\r\n\r\n", 4) == 0,
              "a head without its end");
    return whole;
}

/* ---- The parser --------------------------------------------------------- */

static void check_within(upf_str part, const char *head, size_t len)
{
    CHECK(part.data == NULL ||
              (part.data >= head && part.data <= head + len &&
               part.len <= len - (size_t)(part.data - head)),
          "a slice that is not of the head");
    CHECK(part.data != NULL || part.len == 0, "%zu bytes of NULL", part.len);
}

static void check_headers(const upf_request *request)
{
    upf_str rest = request->headers, name, value, found;
    size_t  lines = 0;
    char    text[64];

    while (upf_header_next(&rest, &name, &value)) {
        lines++;
        CHECK(upf_is_token(name), "a name that is not a token");
        CHECK(value.len == 0 || (strchr(" \t", value.data[0]) == NULL &&
                                 strchr(" \t", value.data[value.len - 1]) ==
                                     NULL),
              "white space around a value");
        for (size_t i = 0; i < value.len; i++)
            CHECK((unsigned char)value.data[i] >= ' ' || value.data[i] == '\t',
                  "a control character in a value");
        if (name.len >= sizeof text)
            continue;
        memcpy(text, name.data, name.len);
        text[name.len] = '\0';
        CHECK(upf_header_find(request->headers, text, &found), "lost: %s",
              text);
    }
    CHECK(rest.len == 0, "%zu bytes behind %zu header lines", rest.len, lines);
}

/* What a handshake must have been, for a server to take it. */
static void check_accepted(const upf_request *request)
{
    char    accept[UPF_ACCEPT_LEN + 1];
    upf_str value;

    CHECK(request->method.len == 3 &&
              memcmp(request->method.data, "GET", 3) == 0,
          "not a GET");
    CHECK(request->http_minor >= 1, "HTTP/1.%d", request->http_minor);
    CHECK(request->host.len > 0 && request->target.len > 0, "no host, target");
    CHECK(upf_accept_key(request->key.data, request->key.len, accept) ==
              UPF_OK,
          "a bad key");
    CHECK(upf_header_find(request->headers, "sec-websocket-version", &value) &&
              value.len == 2 && memcmp(value.data, "13", 2) == 0,
          "not version 13");
    CHECK(upf_header_find(request->headers, "UPGRADE", &value) &&
              upf_header_find(request->headers, "connection", &value),
          "no Upgrade or no Connection");
    CHECK(!upf_header_find(request->headers, "Transfer-Encoding", &value),
          "a body");
}

static void check_offers(const upf_request *request)
{
    upf_str headers = request->headers, list = {NULL, 0}, token;
    char    text[64];

    while (upf_header_list_next(&headers, &list, "Sec-WebSocket-Protocol",
                                &token)) {
        if (token.len >= sizeof text)
            continue;
        memcpy(text, token.data, token.len);
        text[token.len] = '\0';
        CHECK(upf_request_offers(request, text), "%s is offered", text);
    }
    CHECK(!upf_request_offers(request, ""), "the empty subprotocol");
}

/* Take ":port" off a host; without one, *port stays. */
static void take_port(upf_str *host, unsigned long *port)
{
    unsigned long value = 0;
    size_t        n     = host->len;

    while (n > 0 && host->data[n - 1] >= '0' && host->data[n - 1] <= '9')
        n--;
    if (n == 0 || host->data[n - 1] != ':')
        return;
    for (size_t i = n; i < host->len; i++)
        value = value * 10 + (unsigned long)(host->data[i] - '0');
    if (n < host->len)
        *port = value;
    host->len = n - 1;
}

static bool take_prefix(upf_str *text, const char *prefix)
{
    const size_t n = strlen(prefix);

    if (text->len < n || strncasecmp(text->data, prefix, n) != 0)
        return false;
    text->data += n;
    text->len  -= n;
    return true;
}

/* An origin over HTTP, of this very host: read by hand. */
static bool is_of_host(upf_str origin, upf_str host)
{
    const bool    secure   = take_prefix(&origin, "https://");
    unsigned long ours   = secure ? 443 : 80, theirs = ours;

    if (!secure && !take_prefix(&origin, "http://"))
        return false;
    take_port(&origin, &theirs);
    take_port(&host, &ours);
    return theirs == ours && origin.len == host.len &&
           strncasecmp(origin.data, host.data, host.len) == 0;
}

static void check_origin(const upf_request *request)
{
    static const char *const any[] = {"*", NULL};
    const upf_str origin = request->origin;
    const bool    same   = upf_origin_allowed(origin, request->host, NULL);

    CHECK(origin.len == 0 || !same || is_of_host(origin, request->host),
          "%.*s is let in by %.*s", (int)origin.len, origin.data,
          (int)request->host.len, request->host.data);
    CHECK(origin.data == NULL || origin.len == 0 || !same ||
              upf_origin_allowed(origin, request->host, any),
          "a longer list allows less");
    CHECK(request->target_as_sent.len == 0 ||
              request->target_as_sent.data[0] != '/' ||
              upf_request_origin_allowed(request, NULL) == same,
          "a path has no scheme");
    if (origin.len == 0)
        return;
    char *text = malloc(origin.len + 1);
    CHECK(text != NULL, "no memory");
    memcpy(text, origin.data, origin.len);
    text[origin.len] = '\0';
    const char *const itself[] = {text, NULL};
    CHECK(upf_origin_allowed(origin, (upf_str){"", 0}, itself),
          "the list has it");
    free(text);
}

static bool may_be_answered(upf_status status)
{
    return status == UPF_OK || status == UPF_ERR_NOT_UPGRADE ||
           status == UPF_ERR_UPGRADE_STRIPPED;
}

static upf_status check_parse(const uint8_t *data, size_t len)
{
    char            *head = exact_copy(data, len);
    upf_request      request;
    const upf_status status = upf_request_parse(head, len, &request);

    CHECK(status <= UPF_OK, "%s", upf_status_name(status));
    CHECK(status == UPF_OK || upf_status_http(status) != 0,
          "%s has no HTTP status", upf_status_name(status));
    check_within(request.method, head, len);
    check_within(request.target_as_sent, head, len);
    if (request.target.len != 1) /* "/" and "*" may be nobody's */
        check_within(request.target, head, len);
    check_within(request.headers, head, len);
    check_within(request.host, head, len);
    check_within(request.key, head, len);
    if (request.origin.len > 0)
        check_within(request.origin, head, len);
    if (status != UPF_ERR_HTTP) {
        check_headers(&request);
        check_origin(&request);
    }
    if (may_be_answered(status))
        CHECK(request.target.len > 0 &&
                  strchr("/?*", request.target.data[0]) != NULL,
              "no target of a server: %.*s", (int)request.target.len,
              request.target.data);
    if (status == UPF_OK) {
        check_accepted(&request);
        check_offers(&request);
    }
    free(head);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct upf_head_limits wide = {1 << 20, 1 << 20, 10000};
    static const struct upf_head_limits narrow = {300, 60, 6};

    const struct scanned found = check_scan(&wide, data, len);
    check_scan(&narrow, data, len);
    const upf_status whole = check_parse(data, len);
    if (found.status == UPF_OK)
        check_parse(data, found.taken);
    /* What the parser takes alone is what the scanner lets through. */
    if (may_be_answered(whole))
        CHECK(found.status == UPF_OK && found.taken == len,
              "%s, but the scanner says %s at %zu of %zu",
              upf_status_name(whole), upf_status_name(found.status),
              found.taken, len);
    return 0;
}
