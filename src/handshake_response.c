/* SPDX-License-Identifier: MIT */
/* handshake_response.c - the response of the opening handshake: written by a
 * server (RFC 6455, section 4.2.2), judged by a client (section 4.1). */

#include <assert.h>
#include <string.h>

#include "base64.h"
#include "handshake.h"
#include "http.h"
#include "http_fields.h"
#include "http_write.h"
#include "status_advice.h"

/* ---- Accepting ---------------------------------------------------------- */

/* How each 101 begins; the accept value follows. */
#define BEFORE_ACCEPT "HTTP/1.1 101 Switching Protocols\r\n" \
                      "Upgrade: websocket\r\n"               \
                      "Connection: Upgrade\r\n"              \
                      "Sec-WebSocket-Accept: "

upf_status upf_accept_write(const uint8_t digest[UPF_SHA1_SIZE],
                            upf_str subprotocol, upf_str extension,
                            const upf_header *headers, size_t header_count,
                            struct upf_http_out *o)
{
    if ((subprotocol.len > 0 && !upf_is_token(subprotocol)) ||
        (extension.len > 0 && !upf_is_field_value(extension)) ||
        (header_count > 0 &&
         !upf_headers_are_allowed(headers, header_count, false)))
        return UPF_ERR_ARGUMENT;

    do {
        upf_put(o, UPF_LITERAL(BEFORE_ACCEPT
                               "____________________________\r\n"));
        if (o->data != NULL)
            upf_base64_encode(digest, UPF_SHA1_SIZE,
                              o->data + sizeof BEFORE_ACCEPT - 1);
        if (subprotocol.len > 0)
            upf_put_field(o, "Sec-WebSocket-Protocol: ", subprotocol);
        if (extension.len > 0)
            upf_put_field(o, "Sec-WebSocket-Extensions: ", extension);
        if (header_count > 0)
            upf_put_headers(o, headers, header_count);
        upf_put_text(o, "\r\n");
    } while (upf_put_again(o));
    return upf_put_status(o);
}

/* ---- Refusing ----------------------------------------------------------- */

/* RFC 9110, section 15, and RFC 6585. They are in one string, because an array
 * of pointers would take as much memory again. */
static const char reasons[] =
    "200 OK\0"
    "201 Created\0"
    "202 Accepted\0"
    "204 No Content\0"
    "205 Reset Content\0"
    "206 Partial Content\0"
    "301 Moved Permanently\0"
    "302 Found\0"
    "303 See Other\0"
    "304 Not Modified\0"
    "307 Temporary Redirect\0"
    "308 Permanent Redirect\0"
    "400 Bad Request\0"
    "401 Unauthorized\0"
    "403 Forbidden\0"
    "404 Not Found\0"
    "405 Method Not Allowed\0"
    "406 Not Acceptable\0"
    "408 Request Timeout\0"
    "409 Conflict\0"
    "410 Gone\0"
    "411 Length Required\0"
    "413 Content Too Large\0"
    "414 URI Too Long\0"
    "415 Unsupported Media Type\0"
    "421 Misdirected Request\0"
    "422 Unprocessable Content\0"
    "426 Upgrade Required\0"
    "428 Precondition Required\0"
    "429 Too Many Requests\0"
    "431 Request Header Fields Too Large\0"
    "500 Internal Server Error\0"
    "501 Not Implemented\0"
    "502 Bad Gateway\0"
    "503 Service Unavailable\0"
    "504 Gateway Timeout\0"
    "505 HTTP Version Not Supported\0";

/* The reason phrase with a space before it: " Not Found". An unknown status has
 * an empty phrase, which is allowed (RFC 9112, section 4). */
static const char *reason_of(int http_status)
{
    const char *r = reasons;

    while (*r != '\0' &&
           (r[0] - '0') * 100 + (r[1] - '0') * 10 + (r[2] - '0') != http_status)
        r += strlen(r) + 1;
    return *r != '\0' ? r + 3 : " ";
}

/* The status line, and the fields that only the library writes. */
static void put_refusal(struct upf_http_out *o, int http_status,
                        size_t body_len)
{
    upf_put_text(o, "HTTP/1.1 ");
    upf_put_number(o, (size_t)http_status);
    upf_put_text(o, reason_of(http_status));

    /* A 426 must say what to upgrade to (RFC 9110, section 15.5.22), and in
     * which version (RFC 6455, section 4.4). */
    upf_put_text(o, http_status == 426 ? "\r\n"
                                         "Connection: Upgrade, close\r\n"
                                         "Upgrade: websocket\r\n"
                                         "Sec-WebSocket-Version: 13\r\n"
                                       : "\r\n"
                                         "Connection: close\r\n");

    /* A 204 must not have a Content-Length (RFC 9110, section 8.6). In a 304 it
     * would have to be the length of a body that is not sent. */
    if (http_status != 204 && http_status != 304) {
        upf_put_text(o, "Content-Length: ");
        upf_put_number(o, body_len);
        upf_put_text(o, "\r\n");
    }
}

upf_status upf_refusal_write(int http_status, const upf_header *headers,
                             size_t header_count, const void *body,
                             size_t body_len, bool omit_body,
                             struct upf_http_out *o)
{
    if (http_status < 200 || http_status > 599 ||
        (body == NULL && body_len > 0) ||
        !upf_headers_are_allowed(headers, header_count, false))
        return UPF_ERR_ARGUMENT;

    /* A 204, a 205 and a 304 have no content (RFC 9110, sections 15.3.5, 15.3.6
     * and 15.4.5). */
    if (http_status == 204 || http_status == 205 || http_status == 304)
        body_len = 0;

    do {
        put_refusal(o, http_status, body_len);
        upf_put_headers(o, headers, header_count);
        upf_put_text(o, "\r\n");
        if (!omit_body)
            upf_put(o, (upf_str){body, body_len});
    } while (upf_put_again(o));
    return upf_put_status(o);
}

/* Only fixed text: nothing of the request is echoed in an answer. */
static void put_explanation(struct upf_http_out *o, upf_status why)
{
    const char *section = upf_status_section(why);

    upf_put_number(o, (size_t)upf_status_http(why));
    upf_put_text(o, ": ");
    upf_put_text(o, upf_status_text(why));
    if (*section != '\0') {
        upf_put_text(o, " (");
        upf_put_text(o, section);
        upf_put_text(o, ")");
    }
    upf_put_text(o, ". ");
    upf_put_text(o, upf_status_advice(why));
    upf_put_text(o, "\n");
}

upf_status upf_failure_write(upf_status why, bool omit_body,
                             struct upf_http_out *o)
{
    const int http_status = upf_status_http(why);

    if (http_status == 0)
        return UPF_ERR_ARGUMENT;

    struct upf_http_out body = {0};
    put_explanation(&body, why);

    do {
        put_refusal(o, http_status, body.len);
        if (http_status == 405)
            upf_put_text(o, "Allow: GET\r\n"); /* RFC 9110, 15.5.6 */
        upf_put_text(o, "Content-Type: text/plain; charset=utf-8\r\n"
                        "X-Content-Type-Options: nosniff\r\n\r\n");
        if (!omit_body)
            put_explanation(o, why);
    } while (upf_put_again(o));
    return upf_put_status(o);
}

/* ---- Parsing ------------------------------------------------------------ */

/* HTTP-version SP 3DIGIT SP [ reason-phrase ] (RFC 9112, section 4). Many
 * servers leave out the second space if they have no phrase. */
static bool split_status_line(upf_str line, upf_response *response,
                              int *major, int *minor)
{
    enum { BEFORE_PHRASE = sizeof "HTTP/1.1 101" - 1 };

    if (line.len < BEFORE_PHRASE || !upf_http_version(line.data, major, minor))
        return false;

    const char *digits = line.data + BEFORE_PHRASE - 3;
    if (digits[-1] != ' ')
        return false;
    response->status = 0;
    for (int i = 0; i < 3; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        response->status = response->status * 10 + (digits[i] - '0');
    }

    response->reason = (upf_str){digits + 3, line.len - BEFORE_PHRASE};
    if (response->reason.len > 0) {
        if (response->reason.data[0] != ' ')
            return false;
        response->reason.data++;
        response->reason.len--;
    }
    return response->status >= 100 && upf_is_field_value(response->reason);
}

upf_status upf_response_parse(const char *head, size_t len,
                              upf_response *response)
{
    assert(head != NULL || len == 0);

    upf_str text = {head, len}, line;
    struct upf_fields fields;
    int major, minor;

    *response = (upf_response){0};
    if (!upf_http_line(&text, &line) ||
        !split_status_line(line, response, &major, &minor) ||
        !upf_fields_take(&text, &fields) || text.len != 0)
        return UPF_ERR_HTTP;
    response->headers = fields.all;

    /* A 101 in HTTP/1.0 is refused: that has no 1xx responses (RFC 9110,
     * section 15.2). */
    if (major != 1 || (minor == 0 && response->status == 101))
        return UPF_ERR_HTTP_VERSION;
    return UPF_OK;
}

/* ---- Judging ------------------------------------------------------------ */

static bool is_one_of(upf_str name, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++)
        if (upf_str_equals(name, *names))
            return true;
    return false;
}

upf_status upf_response_judge(upf_response *response,
                              const uint8_t     digest[UPF_SHA1_SIZE],
                              const char *const *subprotocols)
{
    assert(response->status == 101);

    struct upf_fields f;
    upf_str headers = response->headers;
    char expected[UPF_ACCEPT_LEN];

    upf_fields_take(&headers, &f); /* false: no blank line ends the text */
    const upf_str subprotocol = upf_field(&f, UPF_FIELD_PROTOCOL);

    if (upf_field_is_repeated(&f, UPF_FIELD_UPGRADE) ||
        !upf_str_equals_nocase(upf_field(&f, UPF_FIELD_UPGRADE), "websocket"))
        return UPF_ERR_UPGRADE;
    if (!upf_fields_have(&f, UPF_FIELD_CONNECTION, UPF_LITERAL("Upgrade")))
        return UPF_ERR_CONNECTION;
    upf_base64_encode(digest, UPF_SHA1_SIZE, expected);
    if (upf_field_is_repeated(&f, UPF_FIELD_ACCEPT) ||
        !upf_str_same(upf_field(&f, UPF_FIELD_ACCEPT),
                      (upf_str){expected, sizeof expected}))
        return UPF_ERR_ACCEPT;
    if (upf_field_is_repeated(&f, UPF_FIELD_PROTOCOL))
        return UPF_ERR_SUBPROTOCOL_LINES;
    if (subprotocol.data != NULL && !is_one_of(subprotocol, subprotocols))
        return UPF_ERR_SUBPROTOCOL_NOT_OFFERED;
    response->subprotocol = subprotocol;
    return UPF_OK;
}
