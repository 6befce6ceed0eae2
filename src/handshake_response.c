/* SPDX-License-Identifier: MIT */
/* handshake_response.c - the server's half of the opening handshake: written
 * by a server (RFC 6455, section 4.2.2), judged by a client (section 4.1). */

#include <assert.h>
#include <string.h>

#include "base64.h"
#include "handshake.h"
#include "http.h"
#include "http_write.h"

/* ---- Accepting -------------------------------------------------------- */

upf_status upf_accept_write(const uint8_t digest[UPF_SHA1_SIZE],
                            upf_str subprotocol, upf_str extension,
                            const upf_header *headers, size_t header_count,
                            struct upf_http_out *o)
{
    char accept[UPF_ACCEPT_LEN];

    if ((subprotocol.len > 0 && !upf_is_token(subprotocol)) ||
        !upf_is_field_value(extension) ||
        !upf_headers_are_allowed(headers, header_count, false))
        return UPF_ERR_ARGUMENT;
    upf_base64_encode(digest, UPF_SHA1_SIZE, accept);

    do {
        upf_put(o, UPF_LITERAL("HTTP/1.1 101 Switching Protocols\r\n"
                                "Upgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: "));
        upf_put(o, (upf_str){accept, sizeof accept});
        upf_put(o, UPF_LITERAL("\r\n"));
        if (subprotocol.len > 0)
            upf_put_field(o, UPF_LITERAL("Sec-WebSocket-Protocol: "),
                          subprotocol);
        if (extension.len > 0)
            upf_put_field(o, UPF_LITERAL("Sec-WebSocket-Extensions: "),
                          extension);
        upf_put_headers(o, headers, header_count);
        upf_put(o, UPF_LITERAL("\r\n"));
    } while (upf_put_again(o));
    return upf_put_status(o);
}

/* ---- Refusing --------------------------------------------------------- */

/* RFC 9110, section 15, and RFC 6585. A phrase may be empty; it says nothing
 * that the number does not. */
static const char *reason_phrase(int http_status)
{
    switch (http_status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default:  return "";
    }
}

/* The status line, and the fields that are ours to write. */
static void put_refusal(struct upf_http_out *o, int http_status,
                        size_t body_len)
{
    upf_put(o, UPF_LITERAL("HTTP/1.1 "));
    upf_put_number(o, (size_t)http_status);
    upf_put_field(o, UPF_LITERAL(" "), upf_str_of(reason_phrase(http_status)));

    /* RFC 9110, section 15.5.22: 426 must say what to upgrade to; RFC 6455,
     * section 4.4: and which version of it. */
    if (http_status == 426)
        upf_put(o, UPF_LITERAL("Connection: Upgrade, close\r\n"
                               "Upgrade: websocket\r\n"
                               "Sec-WebSocket-Version: 13\r\n"));
    else
        upf_put(o, UPF_LITERAL("Connection: close\r\n"));

    /* RFC 9110, section 8.6: not in a 204; nor, here, in a 304, where it
     * would have to be the length of what was not sent. */
    if (http_status != 204 && http_status != 304) {
        upf_put(o, UPF_LITERAL("Content-Length: "));
        upf_put_number(o, body_len);
        upf_put(o, UPF_LITERAL("\r\n"));
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

    /* RFC 9110, sections 15.3.5, 15.3.6, 15.4.5: these have no content. */
    if (http_status == 204 || http_status == 205 || http_status == 304)
        body_len = 0;

    do {
        put_refusal(o, http_status, body_len);
        upf_put_headers(o, headers, header_count);
        upf_put(o, UPF_LITERAL("\r\n"));
        if (!omit_body)
            upf_put(o, (upf_str){body, body_len});
    } while (upf_put_again(o));
    return upf_put_status(o);
}

/* What whoever reads the refusal can do about it. */
static const char *advice(upf_status why)
{
    switch (why) {
    case UPF_ERR_HTTP:
        return "End each line with CR LF, and put no space before a colon.";
    case UPF_ERR_HTTP_VERSION:
        return "Use HTTP/1.1.";
    case UPF_ERR_HEAD_TOO_BIG:
        return "Send fewer or shorter header fields: cookies may be the cause.";
    case UPF_ERR_METHOD:
        return "Use GET.";
    case UPF_ERR_TARGET:
        return "Send a path that begins with a slash.";
    case UPF_ERR_HOST:
        return "Send one Host field: the server's name and port.";
    case UPF_ERR_BODY:
        return "Send neither Content-Length nor Transfer-Encoding.";
    case UPF_ERR_NOT_UPGRADE:
        return "Connect with a WebSocket client, to a ws:// or wss:// URL; "
               "or a proxy on the way removed the Upgrade field.";
    case UPF_ERR_CONNECTION:
        return "Send \"Connection: Upgrade\"; or a proxy on the way removed "
               "it.";
    case UPF_ERR_KEY:
        return "Send one Sec-WebSocket-Key: 16 random bytes in base64.";
    case UPF_ERR_VERSION:
        return "Send \"Sec-WebSocket-Version: 13\".";
    case UPF_ERR_ORIGIN:
        return "Pages of other sites may connect only if this server's "
               "configuration names their origin.";
    case UPF_ERR_SUBPROTOCOL:
        return "Send each subprotocol once, with commas between them.";
    case UPF_ERR_EXTENSION:
        return "Send \"name; parameter=value\", with commas between "
               "extensions.";
    default:
        return "Try again.";
    }
}

/* Only our own words: nothing of the request comes back in an answer. */
static void put_explanation(struct upf_http_out *o, upf_status why)
{
    const upf_str section = upf_str_of(upf_status_section(why));

    upf_put_number(o, (size_t)upf_status_http(why));
    upf_put(o, UPF_LITERAL(": "));
    upf_put(o, upf_str_of(upf_status_text(why)));
    if (section.len > 0) {
        upf_put(o, UPF_LITERAL(" ("));
        upf_put(o, section);
        upf_put(o, UPF_LITERAL(")"));
    }
    upf_put(o, UPF_LITERAL(". "));
    upf_put(o, upf_str_of(advice(why)));
    upf_put(o, UPF_LITERAL("\n"));
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
            upf_put(o, UPF_LITERAL("Allow: GET\r\n")); /* RFC 9110, 15.5.6 */
        upf_put(o, UPF_LITERAL("Content-Type: text/plain; charset=utf-8\r\n"
                                "X-Content-Type-Options: nosniff\r\n\r\n"));
        if (!omit_body)
            put_explanation(o, why);
    } while (upf_put_again(o));
    return upf_put_status(o);
}

/* ---- Parsing ---------------------------------------------------------- */

/* HTTP-version SP 3DIGIT SP [ reason-phrase ] (RFC 9112, section 4). Many
 * servers leave the second space out when they have no phrase. */
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

    /* HTTP/1.0 knows no 101 (RFC 9110, section 15.2). */
    if (major != 1 || (minor == 0 && response->status == 101))
        return UPF_ERR_HTTP_VERSION;
    return UPF_OK;
}

/* ---- Judging ---------------------------------------------------------- */

static bool is_one_of(upf_str name, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++)
        if (upf_str_equal(name, upf_str_of(*names)))
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

    upf_fields_take(&headers, &f); /* no blank line is there to end them */
    const upf_str subprotocol = upf_field(&f, UPF_FIELD_PROTOCOL);

    if (upf_field_is_repeated(&f, UPF_FIELD_UPGRADE) ||
        !upf_str_is(upf_field(&f, UPF_FIELD_UPGRADE), "websocket"))
        return UPF_ERR_UPGRADE;
    if (!upf_fields_have(&f, UPF_FIELD_CONNECTION, UPF_LITERAL("Upgrade")))
        return UPF_ERR_CONNECTION;
    upf_base64_encode(digest, UPF_SHA1_SIZE, expected);
    if (upf_field_is_repeated(&f, UPF_FIELD_ACCEPT) ||
        !upf_str_equal(upf_field(&f, UPF_FIELD_ACCEPT),
                       (upf_str){expected, sizeof expected}))
        return UPF_ERR_ACCEPT;
    if (upf_field_is_repeated(&f, UPF_FIELD_PROTOCOL) ||
        (subprotocol.data != NULL && !is_one_of(subprotocol, subprotocols)))
        return UPF_ERR_SUBPROTOCOL;
    response->subprotocol = subprotocol;
    return UPF_OK;
}
