/* SPDX-License-Identifier: MIT */
/* handshake_request.c - the client's half of the opening handshake: judged by
 * a server (RFC 6455, section 4.2.1), written by a client (section 4.1). */

#include <assert.h>
#include <string.h>

#include "handshake.h"
#include "http.h"
#include "http_write.h"
#include "url.h"

/* ---- Gathering -------------------------------------------------------- */

/* A field that may come only once. */
struct single {
    upf_str value; /* the first one's; data is NULL if there is none */
    bool    repeated;
};

/* All fields of one name, as upf_header_list_split() takes them. */
struct listed {
    upf_str list;    /* the first one's value */
    upf_str headers; /* from the line behind it to the end of the last one */
};

/* What the header lines say, from one walk over them. */
struct fields {
    struct single host, origin, key, version;
    struct single content_length, transfer_encoding;
    struct listed subprotocols, extensions;
    bool          websocket; /* Upgrade has the token */
    bool          upgrade;   /* Connection has the token */
};

/* These return true: the line was taken. */

static bool take_single(struct single *field, upf_str value)
{
    if (field->value.data != NULL)
        field->repeated = true;
    else
        field->value = upf_str_trim(value);
    return true;
}

static bool take_listed(struct listed *field, upf_str value, const char *end)
{
    if (field->list.data == NULL) {
        field->list    = upf_str_trim(value);
        field->headers = (upf_str){end, 0};
    } else {
        field->headers.len = (size_t)(end - field->headers.data);
    }
    return true;
}

static bool take_token(bool *found, upf_str value, upf_str token)
{
    value  = upf_str_trim(value);
    *found = *found || upf_str_equal(value, token) ||
             upf_list_has(value, token.data);
    return true;
}

/* Take `name`, case ignored, off the beginning of `line`. Nearly everybody
 * writes names as the RFCs do, so that is looked for first. */
static bool take_name(upf_str *line, upf_str name)
{
    if (line->len < name.len ||
        (memcmp(line->data, name.data, name.len) != 0 &&
         !upf_str_equal_nocase((upf_str){line->data, name.len}, name)))
        return false;
    line->data += name.len;
    line->len  -= name.len;
    return true;
}

/* Whether the line is such a field; its value is what is left of the line. */
#define IS_FIELD(name) take_name(&line, UPF_LITERAL(name ":"))

/* False: it is none of ours. `end` is where the next line begins. */
static bool note_field(struct fields *f, upf_str line, const char *end)
{
    switch (line.data[0] | 0x20) { /* a letter's lower case */
    case 'c':
        return IS_FIELD("Connection")
                   ? take_token(&f->upgrade, line, UPF_LITERAL("Upgrade"))
                   : IS_FIELD("Content-Length") &&
                         take_single(&f->content_length, line);
    case 'h':
        return IS_FIELD("Host") && take_single(&f->host, line);
    case 'o':
        return IS_FIELD("Origin") && take_single(&f->origin, line);
    case 's':
        if (!take_name(&line, UPF_LITERAL("Sec-WebSocket-")))
            return false;
        if (IS_FIELD("Key"))
            return take_single(&f->key, line);
        if (IS_FIELD("Version"))
            return take_single(&f->version, line);
        if (IS_FIELD("Extensions"))
            return take_listed(&f->extensions, line, end);
        return IS_FIELD("Protocol") && take_listed(&f->subprotocols, line, end);
    case 't':
        return IS_FIELD("Transfer-Encoding") &&
               take_single(&f->transfer_encoding, line);
    case 'u':
        return IS_FIELD("Upgrade") &&
               take_token(&f->websocket, line, UPF_LITERAL("websocket"));
    default:
        return false;
    }
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

    const char *space = memchr(line.data, ' ', line.len);
    if (space == NULL || version[-1] != ' ' || version - space < 3)
        return false;
    request->method = (upf_str){line.data, (size_t)(space - line.data)};
    request->target = (upf_str){space + 1, (size_t)(version - space) - 2};
    return upf_is_token(request->method);
}

/* UPF_ERR_HTTP, or else the whole head is HTTP, of whatever version. */
static upf_status split_head(upf_str head, bool scanned, upf_request *request,
                             struct fields *fields, int *major)
{
    upf_str line, name, value;

    /* One empty line may come first (RFC 9112, section 2.2). */
    if (!upf_http_line(&head, &line) ||
        (line.len == 0 && !upf_http_line(&head, &line)) ||
        !split_request_line(line, request, major))
        return UPF_ERR_HTTP;

    const char *headers = head.data;
    size_t lines = 0;
    for (;; lines++) {
        if (!upf_http_line(&head, &line))
            return UPF_ERR_HTTP;
        if (line.len == 0)
            break;
        if (!note_field(fields, line, head.data) &&
            !upf_http_field(line, &name, &value))
            return UPF_ERR_HTTP;
    }
    request->headers = (upf_str){headers, (size_t)(line.data - headers)};
    if (head.len != 0 ||
        (!scanned && !upf_are_field_lines(request->headers, lines)))
        return UPF_ERR_HTTP;

    request->host    = fields->host.value;
    request->key     = fields->key.value;
    /* Of two origins neither is to be trusted; the empty one never is. */
    request->origin  = fields->origin.repeated ? UPF_LITERAL("")
                                               : fields->origin.value;
    return UPF_OK;
}

/* ---- Judging ---------------------------------------------------------- */

static bool is_get(upf_str method)
{
    return method.len == 3 && memcmp(method.data, "GET", 3) == 0;
}

/* Methods are case-sensitive: "get" is no method that somebody could have
 * meant to be refused with 405, but a broken request. */
static upf_status judge_method(upf_str method)
{
    if (is_get(method))
        return UPF_OK;
    for (size_t i = 0; i < method.len; i++)
        if (method.data[i] >= 'a' && method.data[i] <= 'z')
            return UPF_ERR_HTTP;
    return UPF_ERR_METHOD;
}

/* RFC 9112, section 3.2: one Host in each HTTP/1.1 request; it may be empty
 * where the URL has no host, but a ws:// URL has one. */
static bool is_host_sound(const struct fields *f, int http_minor)
{
    struct upf_authority authority;

    if (f->host.value.data == NULL)
        return http_minor == 0;
    if (f->host.repeated)
        return false;
    return (f->host.value.len == 0 && !f->websocket) ||
           upf_authority_parse(f->host.value, &authority);
}

static bool consists_of(upf_str text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr(characters, text.data[i]) == NULL)
            return false;
    return text.len > 0;
}

/*
 * A handshake has no body: the bytes behind it are frames, and whoever takes
 * them for a body instead can be tricked (request smuggling). Of any other
 * request, the length must be clear (RFC 9112, section 6.3).
 */
static bool is_body_sound(const struct fields *f, int http_minor)
{
    const struct single *length = &f->content_length;
    const bool has_length = length->value.data != NULL;

    if (f->transfer_encoding.value.data != NULL &&
        (f->websocket || has_length || http_minor == 0))
        return false;
    if (!has_length)
        return true;
    return !length->repeated &&
           consists_of(length->value, f->websocket ? "0" : "0123456789");
}

/*
 * Non-empty, unique tokens over all lines (section 4.1). Each is compared with
 * those before it; OFFERS_MAX bounds how often a byte is looked at for that,
 * so the cost stays linear in the size of the head.
 */
static bool are_subprotocols_sound(struct listed *offered)
{
    enum { OFFERS_MAX = 32 };
    upf_str offers[OFFERS_MAX];
    upf_str token;

    for (size_t n = 0; upf_header_list_split(&offered->headers, &offered->list,
                                             "Sec-WebSocket-Protocol", &token);
         n++) {
        if (n == OFFERS_MAX || !upf_is_token(token))
            return false;
        for (size_t i = 0; i < n; i++)
            if (upf_str_equal(offers[i], token))
                return false;
        offers[n] = token;
    }
    return true;
}

static bool are_extensions_sound(struct listed *offered)
{
    upf_str name, params;
    upf_status status;

    do {
        status = upf_extension_next(&offered->headers, &offered->list, &name,
                                    &params);
    } while (status == UPF_OK);
    return status == UPF_DONE;
}

/* Section 4.2.1, of a request that is known to ask for a WebSocket. */
static upf_status judge_websocket(struct fields *f)
{
    if (!f->upgrade)
        return UPF_ERR_CONNECTION;
    /* Before the key: its format is part of what a version defines (4.4). */
    if (f->version.repeated)
        return UPF_ERR_HTTP;
    if (!upf_str_equal(f->version.value, UPF_LITERAL("13")))
        return UPF_ERR_VERSION;
    if (f->key.repeated || !upf_is_key(f->key.value))
        return UPF_ERR_KEY;
    if (!are_subprotocols_sound(&f->subprotocols))
        return UPF_ERR_SUBPROTOCOL;
    if (!are_extensions_sound(&f->extensions))
        return UPF_ERR_EXTENSION;
    return UPF_OK;
}

upf_status upf_request_judge(upf_str head, bool scanned, upf_request *request)
{
    struct fields fields = {0};
    int major = 0;

    *request = (upf_request){0};
    upf_status status = split_head(head, scanned, request, &fields, &major);
    if (status != UPF_OK)
        return status;

    /* HTTP/1.0 knows no Upgrade (RFC 9110, section 7.8). */
    if (major != 1 || (fields.websocket && request->http_minor == 0))
        return UPF_ERR_HTTP_VERSION;
    if (fields.websocket) {
        status = judge_method(request->method);
        if (status != UPF_OK)
            return status;
    }
    if (!is_host_sound(&fields, request->http_minor))
        return UPF_ERR_HOST;
    if (!upf_is_request_target(request->target, request->host))
        return UPF_ERR_TARGET;
    if (!is_body_sound(&fields, request->http_minor))
        return UPF_ERR_BODY;
    return fields.websocket ? judge_websocket(&fields) : UPF_ERR_NOT_UPGRADE;
}

upf_status upf_request_parse(const char *head, size_t len,
                             upf_request *request)
{
    assert(head != NULL || len == 0);
    return upf_request_judge((upf_str){head, len}, false, request);
}

/* ---- Subprotocols ----------------------------------------------------- */

bool upf_request_offers(const upf_request *request, const char *name)
{
    const upf_str wanted = upf_str_of(name);
    upf_str headers = request->headers, list = {NULL, 0}, offered;

    while (upf_header_list_split(&headers, &list, "Sec-WebSocket-Protocol",
                                 &offered))
        if (wanted.len > 0 && upf_str_equal(offered, wanted))
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

/* ---- Writing ---------------------------------------------------------- */

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
    if (subprotocols == NULL || *subprotocols == NULL)
        return;
    upf_put(o, UPF_LITERAL("Sec-WebSocket-Protocol: "));
    upf_put(o, upf_str_of(*subprotocols));
    while (*++subprotocols != NULL) {
        upf_put(o, UPF_LITERAL(", "));
        upf_put(o, upf_str_of(*subprotocols));
    }
    upf_put(o, UPF_LITERAL("\r\n"));
}

upf_status upf_request_write(const upf_client_request *request,
                             const upf_url *url, const char key[UPF_KEY_LEN],
                             const char *const *subprotocols,
                             upf_str extension,
                             char *out, size_t cap, size_t *len)
{
    const upf_str origin = upf_str_of(request->origin);

    *len = 0;
    if (!upf_is_field_value(origin) ||
        (origin.data != NULL && upf_str_trim(origin).len == 0) ||
        !upf_is_field_value(extension) || !may_be_offered(subprotocols) ||
        !upf_headers_are_allowed(request->headers, request->header_count, true))
        return UPF_ERR_ARGUMENT;

    struct upf_http_out o = {0};
    do {
        /* An empty path is "/" (section 3). */
        upf_put(&o, UPF_LITERAL("GET "));
        if (url->target.len == 0 || url->target.data[0] != '/')
            upf_put(&o, UPF_LITERAL("/"));
        upf_put_field(&o, url->target, UPF_LITERAL(" HTTP/1.1"));
        upf_put_field(&o, UPF_LITERAL("Host: "), url->authority);
        upf_put(&o, UPF_LITERAL("Upgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"));
        upf_put_field(&o, UPF_LITERAL("Sec-WebSocket-Key: "),
                      (upf_str){key, UPF_KEY_LEN});
        upf_put(&o, UPF_LITERAL("Sec-WebSocket-Version: 13\r\n"));
        if (origin.len > 0)
            upf_put_field(&o, UPF_LITERAL("Origin: "), origin);
        put_offer(&o, subprotocols);
        if (extension.len > 0)
            upf_put_field(&o, UPF_LITERAL("Sec-WebSocket-Extensions: "),
                          extension);
        upf_put_headers(&o, request->headers, request->header_count);
        upf_put(&o, UPF_LITERAL("\r\n"));
    } while (upf_put_again(&o, out, cap, len));
    return o.data ? UPF_OK : UPF_NEED_MORE;
}
