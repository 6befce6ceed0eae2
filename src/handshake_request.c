/* SPDX-License-Identifier: MIT */
/* handshake_request.c - the request of the opening handshake: judged by a
 * server (RFC 6455, section 4.2.1), written by a client (section 4.1). */

#include <assert.h>
#include <string.h>

#include "handshake.h"
#include "http.h"
#include "http_fields.h"
#include "http_write.h"
#include "url.h"

/* ---- Splitting ---------------------------------------------------------- */

static bool is_get(upf_str method)
{
    return method.len == 3 && memcmp(method.data, "GET", 3) == 0;
}

/* method SP request-target SP HTTP-version (RFC 9112, section 3) */
static bool split_request_line(upf_str line, upf_request *request, int *major)
{
    enum { VERSION_LEN = sizeof "HTTP/1.1" - 1 };

    if (line.len <= VERSION_LEN)
        return false;

    const char *version = line.data + line.len - VERSION_LEN;
    if (!upf_http_version(version, major, &request->http_minor))
        return false;

    const char *space =
        is_get((upf_str){line.data, 3}) && line.data[3] == ' '
            ? line.data + 3 : memchr(line.data, ' ', line.len);
    if (space == NULL || version[-1] != ' ' || version - space < 3)
        return false;
    request->method = (upf_str){line.data, (size_t)(space - line.data)};
    request->target = (upf_str){space + 1, (size_t)(version - space) - 2};
    request->target_as_sent = request->target;
    return is_get(request->method) || upf_is_token(request->method);
}

/* Returns UPF_OK if this is an HTTP head, of whatever version. */
static upf_status split_head(upf_str *text, upf_request *request,
                             struct upf_fields *fields, int *major)
{
    upf_str line;

    /* One empty line may come first (RFC 9112, section 2.2). */
    if (!upf_http_line(text, &line) ||
        (line.len == 0 && !upf_http_line(text, &line)))
        return UPF_ERR_HTTP;
    if (!split_request_line(line, request, major))
        return UPF_ERR_REQUEST_LINE;
    if (!upf_fields_take(text, fields))
        return UPF_ERR_HTTP;

    request->headers = fields->all;
    request->host    = upf_field(fields, UPF_FIELD_HOST);
    request->key     = upf_field(fields, UPF_FIELD_KEY);
    /* Of two origins neither is trusted. "" is never allowed to connect. */
    request->origin  = upf_field_is_repeated(fields, UPF_FIELD_ORIGIN)
                           ? UPF_LITERAL("")
                           : upf_field(fields, UPF_FIELD_ORIGIN);
    return UPF_OK;
}

/* ---- Judging ------------------------------------------------------------ */

/* Methods are case-sensitive (RFC 9110, section 9.1): a method in small letters
 * is a broken request line, not a method to refuse with 405. */
static upf_status judge_method(upf_str method, bool websocket)
{
    if (upf_str_same(method, UPF_LITERAL("CONNECT")))
        return UPF_ERR_NO_PROXY; /* we are not a proxy */
    if (!websocket)
        return UPF_OK;
    for (size_t i = 0; i < method.len; i++)
        if (method.data[i] >= 'a' && method.data[i] <= 'z')
            return UPF_ERR_REQUEST_LINE;
    return UPF_ERR_METHOD;
}

/* RFC 9112, section 3.2: an HTTP/1.1 request has one Host. It may be empty, but
 * not in a handshake, because a ws:// URL always has a host. */
static upf_status judge_host(const struct upf_fields *f, bool websocket,
                             int http_minor)
{
    const upf_str host = upf_field(f, UPF_FIELD_HOST);
    struct upf_authority authority;

    if (host.data == NULL)
        return http_minor == 0 ? UPF_OK : UPF_ERR_HOST_MISSING;
    if (upf_field_is_repeated(f, UPF_FIELD_HOST))
        return UPF_ERR_HOST_REPEATED;
    return (host.len == 0 && !websocket) ||
                   upf_authority_parse(host, &authority)
               ? UPF_OK
               : UPF_ERR_HOST;
}

static bool consists_of(upf_str text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr(characters, text.data[i]) == NULL)
            return false;
    return text.len > 0;
}

/*
 * A handshake has no body: the bytes after it are frames, and a server that
 * takes them for a body can be tricked (request smuggling). The body of any
 * other request must have a clear length (RFC 9112, section 6.3).
 */
static bool is_body_sound(const struct upf_fields *f, bool websocket,
                          int http_minor)
{
    const upf_str length = upf_field(f, UPF_FIELD_CONTENT_LENGTH);

    if (upf_field(f, UPF_FIELD_TRANSFER_ENCODING).data != NULL &&
        (websocket || length.data != NULL || http_minor == 0))
        return false;
    return length.data == NULL ||
           (!upf_field_is_repeated(f, UPF_FIELD_CONTENT_LENGTH) &&
            consists_of(length, websocket ? "0" : "0123456789"));
}

/*
 * The offers in all lines together must be unique tokens (section 4.1). Each is
 * compared with those before it; OFFERS_MAX keeps the cost of that linear in
 * the size of the head.
 */
static upf_status judge_subprotocols(const struct upf_fields *f)
{
    enum { OFFERS_MAX = 32 };
    upf_str offers[OFFERS_MAX];
    upf_str headers, list, token;

    if (upf_field(f, UPF_FIELD_PROTOCOL).data == NULL)
        return UPF_OK;
    upf_fields_list(f, UPF_FIELD_PROTOCOL, &headers, &list);
    for (size_t n = 0; upf_header_list_next(&headers, &list,
                                            "Sec-WebSocket-Protocol", &token);
         n++) {
        if (n == OFFERS_MAX)
            return UPF_ERR_SUBPROTOCOL_COUNT;
        if (!upf_is_token(token))
            return UPF_ERR_SUBPROTOCOL;
        for (size_t i = 0; i < n; i++)
            if (upf_str_same(offers[i], token))
                return UPF_ERR_SUBPROTOCOL_REPEATED;
        offers[n] = token;
    }
    return UPF_OK;
}

static bool are_extensions_sound(const struct upf_fields *f)
{
    const upf_str first = upf_field(f, UPF_FIELD_EXTENSIONS);
    upf_str headers, list, name, params;
    upf_status status;

    if (first.data == NULL)
        return true;
    if (!upf_field_is_repeated(f, UPF_FIELD_EXTENSIONS) &&
        upf_str_same(first, UPF_LITERAL("permessage-deflate; "
                                        "client_max_window_bits")))
        return true; /* what nearly all browsers send */
    upf_fields_list(f, UPF_FIELD_EXTENSIONS, &headers, &list);
    do {
        status = upf_extension_next_offer(&headers, &list, &name, &params);
    } while (status == UPF_OK);
    return status == UPF_DONE;
}

/* Section 4.2.1, for a request with "Upgrade: websocket". */
static upf_status judge_websocket(const struct upf_fields *f)
{
    if (!upf_fields_have(f, UPF_FIELD_CONNECTION, UPF_LITERAL("Upgrade")))
        return UPF_ERR_CONNECTION;
    /* The version is judged first, because it defines the key's format (section
     * 4.4). */
    if (upf_field_is_repeated(f, UPF_FIELD_VERSION))
        return UPF_ERR_VERSION_REPEATED;
    if (!upf_str_same(upf_field(f, UPF_FIELD_VERSION), UPF_LITERAL("13")))
        return UPF_ERR_VERSION;
    if (upf_field_is_repeated(f, UPF_FIELD_KEY))
        return UPF_ERR_KEY_REPEATED;
    const upf_str key = upf_field(f, UPF_FIELD_KEY);
    if (!upf_is_key(key))
        return key.data != NULL ? UPF_ERR_KEY : UPF_ERR_KEY_MISSING;
    const upf_status status = judge_subprotocols(f);
    if (status != UPF_OK)
        return status;
    return are_extensions_sound(f) ? UPF_OK : UPF_ERR_EXTENSION;
}

/* In two halves for the same reason as upf_conn_zero(). */
static void zero(upf_request *request)
{
    enum { HALF = sizeof *request / 2 };

    memset(request, 0, HALF);
    memset((char *)request + HALF, 0, sizeof *request - HALF);
}

/* What every request must have right: target, Host and body. */
static upf_status judge_http(upf_request *request, const struct upf_fields *f,
                             bool websocket)
{
    const bool is_options =
        upf_str_same(request->method, UPF_LITERAL("OPTIONS"));

    upf_status status = judge_host(f, websocket, request->http_minor);
    if (status == UPF_OK)
        status = upf_target_split(&request->target, &request->host, is_options);
    if (status != UPF_OK)
        return status;
    if (!is_body_sound(f, websocket, request->http_minor))
        return websocket ? UPF_ERR_BODY : UPF_ERR_BODY_LENGTH;
    return UPF_OK;
}

upf_status upf_request_judge(upf_str *text, upf_request *request,
                             struct upf_fields *fields)
{
    int major = 0;

    zero(request);
    upf_status status = split_head(text, request, fields, &major);
    if (status != UPF_OK)
        return status;

    const bool websocket = upf_fields_have(fields, UPF_FIELD_UPGRADE,
                                           UPF_LITERAL("websocket"));
    /* HTTP/1.0 knows no Upgrade (RFC 9110, section 7.8). */
    if (major != 1 || (websocket && request->http_minor == 0))
        return UPF_ERR_HTTP_VERSION;
    if (!is_get(request->method))
        status = judge_method(request->method, websocket);
    if (status == UPF_OK)
        status = judge_http(request, fields, websocket);
    if (status != UPF_OK)
        return status;
    if (websocket)
        return judge_websocket(fields);
    return request->key.data != NULL ? UPF_ERR_UPGRADE_STRIPPED
                                     : UPF_ERR_NOT_UPGRADE;
}

upf_status upf_request_parse(const char *head, size_t len,
                             upf_request *request)
{
    upf_str text = {head, len};
    struct upf_fields fields;

    assert(head != NULL || len == 0);
    const upf_status status = upf_request_judge(&text, request, &fields);
    /* Bytes after the blank line are an error. But after a bad request line,
     * `text` still begins with the rest of the head. */
    return text.len > 0 && status != UPF_ERR_REQUEST_LINE ? UPF_ERR_HTTP
                                                          : status;
}

/* ---- Subprotocols ------------------------------------------------------- */

bool upf_request_offers(const upf_request *request, const char *name)
{
    const upf_str wanted = upf_str_of(name);
    upf_str headers = request->headers, list = {NULL, 0}, offered;

    while (upf_header_list_next(&headers, &list, "Sec-WebSocket-Protocol",
                                &offered))
        if (upf_str_same(offered, wanted)) /* `offered` is not empty */
            return true;
    return false;
}

const char *upf_subprotocol_choose(const upf_request *request,
                                   const char *const *ours)
{
    for (; ours != NULL && *ours != NULL; ours++)
        if (upf_request_offers(request, *ours))
            return *ours;
    return NULL;
}

/* ---- Writing ------------------------------------------------------------ */

/* Section 4.1, item 10: non-empty, unique tokens. */
static bool may_be_offered(const char *const *subprotocols)
{
    for (const char *const *s = subprotocols; s != NULL && *s != NULL; s++) {
        if (!upf_is_token(upf_str_of(*s)))
            return false;
        for (const char *const *earlier = subprotocols; earlier < s; earlier++)
            if (strcmp(*earlier, *s) == 0)
                return false;
    }
    return true;
}

static void put_offer(struct upf_http_out *o, const char *const *subprotocols)
{
    const char *before = "Sec-WebSocket-Protocol: ";

    if (subprotocols == NULL || *subprotocols == NULL)
        return;
    for (; *subprotocols != NULL; subprotocols++) {
        upf_put_text(o, before);
        upf_put_text(o, *subprotocols);
        before = ", ";
    }
    upf_put_text(o, "\r\n");
}

/*
 * Whether browsers percent-encode `c` (URL standard of the WHATWG: the path and
 * the special-query percent-encode sets). What upf_url_parse() refuses does not
 * come here.
 */
static bool is_encoded(char c, bool in_query)
{
    const unsigned char code = (unsigned char)c;

    return code <= ' ' || code >= 0x7F ||
           strchr(in_query ? "\"<>'" : "\"<>^`{}", c) != NULL;
}

static void put_target(struct upf_http_out *o, upf_str target)
{
    static const char digits[] = "0123456789ABCDEF";
    bool   in_query = false;
    size_t start    = 0; /* of the part that is not yet written */

    for (size_t i = 0; i < target.len; i++) {
        const char c = target.data[i];
        in_query = in_query || c == '?';
        if (!is_encoded(c, in_query))
            continue;
        const char code[] = {'%', digits[(unsigned char)c >> 4],
                             digits[c & 0x0F]};
        upf_put(o, (upf_str){target.data + start, i - start});
        upf_put(o, (upf_str){code, sizeof code});
        start = i + 1;
    }
    upf_put(o, (upf_str){target.data + start, target.len - start});
}

upf_status upf_request_write(const upf_client_request *request,
                             const upf_url *url, const char key[UPF_KEY_LEN],
                             const char *const *subprotocols,
                             upf_str extension,
                             struct upf_http_out *o)
{
    const upf_str origin = upf_str_of(request->origin);
    const bool has_path = url->target.len > 0 && url->target.data[0] == '/';

    if (!upf_is_field_value(origin) ||
        (origin.data != NULL && upf_str_trim(origin).len == 0) ||
        !upf_is_field_value(extension) || !may_be_offered(subprotocols) ||
        !upf_headers_are_allowed(request->headers, request->header_count, true))
        return UPF_ERR_ARGUMENT;

    do {
        /* An empty path is "/" (section 3). */
        upf_put_text(o, has_path ? "GET " : "GET /");
        put_target(o, url->target);
        upf_put_field(o, " HTTP/1.1\r\n"
                         "Host: ", url->authority);
        upf_put_field(o, "Upgrade: websocket\r\n"
                         "Connection: Upgrade\r\n"
                         "Sec-WebSocket-Key: ", (upf_str){key, UPF_KEY_LEN});
        upf_put_text(o, "Sec-WebSocket-Version: 13\r\n");
        if (origin.len > 0)
            upf_put_field(o, "Origin: ", origin);
        put_offer(o, subprotocols);
        if (extension.len > 0)
            upf_put_field(o, "Sec-WebSocket-Extensions: ", extension);
        upf_put_headers(o, request->headers, request->header_count);
        upf_put_text(o, "\r\n");
    } while (upf_put_again(o));
    return upf_put_status(o);
}
