/* SPDX-License-Identifier: MIT */
/* conn_open.c - the opening handshake of a connection (RFC 6455, section 4). */

#include <assert.h>
#include <string.h>

#include "base64.h"
#include "buf.h"
#include "conn_impl.h"
#include "ext.h"
#include "handshake.h"
#include "http.h"
#include "http_write.h"
#include "output.h"
#include "url.h"

/* Sec-WebSocket-Extensions: a name and what an extension says of itself. */
enum { EXTENSION_TEXT_MAX = 256 };

/* ---- A head that arrives ------------------------------------------------ */

static struct upf_head_limits limits_of(const upf_config *config)
{
    return (struct upf_head_limits){.bytes = config->max_head,
                                    .line  = config->max_head_line,
                                    .lines = config->max_head_lines};
}

/*
 * Take a head off the input: in place if it is whole, else in the assembly.
 * UPF_OK with *head, UPF_NEED_MORE, or an error with conn->offset at the byte
 * at fault.
 */
static upf_status read_head(upf_conn *conn, upf_input *input, upf_str *head)
{
    const struct upf_head_limits limits = limits_of(conn->config);
    struct upf_buf *block = &conn->assembly;
    const uint8_t  *start = input->data;
    size_t          taken;

    const upf_status status =
        upf_head_scan(&conn->in.handshake.scan, &limits, start, input->len,
                      &taken);
    if (status < 0) {
        conn->offset += taken;
        return status;
    }
    if (status == UPF_OK && block->data == NULL) {
        *head = (upf_str){(const char *)start, taken};
        upf_conn_take(conn, input, taken);
        return UPF_OK;
    }
    if (taken > 0) {
        if (!upf_conn_grow(conn, block->len, block->len + taken,
                           conn->config->max_head))
            return UPF_ERR_NO_MEMORY;
        memcpy(block->data + block->len, start, taken);
        block->len += taken;
        upf_conn_take(conn, input, taken);
    }
    *head = (upf_str){(const char *)block->data, block->len};
    return status;
}

/* ---- A head that leaves ------------------------------------------------- */

static char *reserve_head(void *conn, size_t len)
{
    return (char *)upf_output_reserve(conn, len);
}

static struct upf_http_out output_of(upf_conn *conn)
{
    return (struct upf_http_out){.room = reserve_head, .of = conn};
}

/* ---- Extensions --------------------------------------------------------- */

/* Server: agree on the first offer that our extension can take. */
static upf_status agree_on_extension(upf_conn *conn, upf_str headers)
{
    const struct upf_ext *ext  = conn->config->ext;
    upf_str               list = {NULL, 0}, name, params;

    while (ext != NULL && conn->ext == NULL &&
           upf_extension_next_offer(&headers, &list, &name, &params) ==
               UPF_OK) {
        if (!upf_str_same_nocase(name, upf_str_of(ext->name)))
            continue;
        const upf_status status =
            ext->agree(ext, conn->config, false, params, &conn->ext);
        if (status == UPF_ERR_NO_MEMORY)
            return status;
    }
    return UPF_OK;
}

/* Client: the response may name what we offered, once (section 4.1). */
static upf_status check_extension(upf_conn *conn, upf_str headers)
{
    const struct upf_ext *ext  = conn->config->ext;
    upf_str               list = {NULL, 0}, name, params;
    upf_status            status;

    for (;;) {
        status = upf_extension_next(&headers, &list, &name, &params);
        if (status != UPF_OK)
            return status == UPF_DONE ? UPF_OK : status;
        if (ext == NULL || !upf_str_same_nocase(name, upf_str_of(ext->name)))
            return UPF_ERR_EXTENSION_NOT_OFFERED;
        if (conn->ext != NULL)
            return UPF_ERR_EXTENSION_REPEATED;
        status = ext->agree(ext, conn->config, true, params, &conn->ext);
        if (status != UPF_OK)
            return status == UPF_ERR_EXTENSION ? UPF_ERR_EXTENSION_PARAMETERS
                                               : status;
    }
}

/* "name" and what the extension adds to it. */
static upf_str extension_text(const upf_conn *conn, bool offer, char *text)
{
    const struct upf_ext *ext = conn->config->ext;

    if (ext == NULL || (!offer && conn->ext == NULL))
        return (upf_str){NULL, 0};
    size_t len = strlen(ext->name);
    assert(len < EXTENSION_TEXT_MAX);
    memcpy(text, ext->name, len);
    len += offer ? ext->offer(ext, text + len, EXTENSION_TEXT_MAX - len)
                 : ext->answer(conn->ext, text + len, EXTENSION_TEXT_MAX - len);
    return (upf_str){text, len};
}

/* ---- Server ------------------------------------------------------------- */

/* Nearly all origins are the letters of Host behind a scheme; a target that is
 * a whole URL has a scheme, too, which has to be looked at. */
static bool is_of_host(const upf_request *request)
{
    return *request->target_as_sent.data == '/' &&
           upf_is_origin_of(request->origin, request->host);
}

/* Which is not allowed to connect: of two origins, the request has "". */
static upf_status blame_origin(const upf_request *request)
{
    upf_str headers = request->headers, value;

    return upf_header_next_called(&headers, "Origin", &value) &&
                   upf_header_next_called(&headers, "Origin", &value)
               ? UPF_ERR_ORIGIN_REPEATED
               : UPF_ERR_ORIGIN;
}

/* What a sound request leads to. */
static upf_status judge_request(upf_conn *conn, const upf_request *request)
{
    const upf_config *config = conn->config;

    upf_set(conn, UPF_WEBSOCKET);
    upf_accept_digest(request->key.data, conn->in.handshake.digest);
    if (config->subprotocols != NULL)
        conn->in.handshake.subprotocol =
            upf_subprotocol_choose(request, config->subprotocols);
    const upf_status status = agree_on_extension(conn, request->headers);
    if (status != UPF_OK)
        return status;
    return is_of_host(request) ||
                   upf_request_origin_allowed(request, config->origins)
               ? UPF_OK
               : blame_origin(request);
}

/*
 * The usual request lies whole in the input and is sound, so that it takes one
 * look at each byte. False: it is not, and nothing was taken; what is wrong,
 * or missing, is for read_head() to say.
 */
static bool take_request(upf_conn *conn, upf_input *input, upf_str *head,
                         upf_request *request)
{
    const upf_config *config = conn->config;
    const size_t len = input->len < config->max_head ? input->len
                                                     : config->max_head;
    struct upf_fields fields;
    upf_str rest = {(const char *)input->data, len};

    if (conn->in.handshake.scan.bytes > 0 ||
        upf_request_judge(&rest, request, &fields) != UPF_OK ||
        fields.lines > config->max_head_lines ||
        len - rest.len > config->max_head_line) /* no line is longer */
        return false;
    *head = (upf_str){(const char *)input->data, len - rest.len};
    upf_conn_take(conn, input, head->len);
    return true;
}

/* What is wrong in the first line is wrong with the request line: most often
 * that is a long URL, or TLS where none is expected. */
static upf_status blame_line(const upf_conn *conn, upf_status status)
{
    if (!upf_head_is_in_first_line(&conn->in.handshake.scan))
        return status;
    return status == UPF_ERR_HTTP           ? UPF_ERR_REQUEST_LINE
           : status == UPF_ERR_HEAD_TOO_BIG ? UPF_ERR_TARGET_TOO_BIG
                                            : status;
}

/* Whether the application may answer: the rest is refused without asking. */
static bool may_be_answered(upf_status status)
{
    return status == UPF_OK || status == UPF_ERR_ORIGIN ||
           status == UPF_ERR_ORIGIN_REPEATED || status == UPF_ERR_NOT_UPGRADE ||
           status == UPF_ERR_UPGRADE_STRIPPED;
}

upf_status upf_conn_read_request(upf_conn *conn, upf_input *input,
                                 upf_event *event)
{
    upf_request *request = &event->request;
    upf_status   status  = UPF_OK;
    upf_str      head;

    if (!take_request(conn, input, &head, request)) {
        status = read_head(conn, input, &head);
        if (status != UPF_OK)
            return blame_line(conn, status);
        status = upf_request_parse(head.data, head.len, request);
    }
    if (status == UPF_OK)
        status = judge_request(conn, request);
    if (!may_be_answered(status)) {
        conn->offset -= head.len; /* the head as a whole is at fault */
        return status;
    }
    if (conn->assembly.data == NULL) {
        conn->assembly =
            (struct upf_buf){(uint8_t *)(uintptr_t)head.data, head.len};
        upf_set(conn, UPF_HEAD_BORROWED);
    }
    if (upf_str_same(event->request.method, UPF_LITERAL("HEAD")))
        upf_set(conn, UPF_IS_HEAD);
    conn->status  = (int8_t)status;
    event->type   = UPF_EVENT_REQUEST;
    event->status = status;
    event->data   = NULL;
    event->len    = 0;
    upf_conn_enter(conn, UPF_STATE_ANSWER);
    return UPF_OK;
}

upf_status upf_conn_request(const upf_conn *conn, upf_request *request)
{
    if (conn->state != UPF_STATE_ANSWER && conn->state != UPF_STATE_DEFERRED)
        return UPF_ERR_STATE;
    upf_request_parse((const char *)conn->assembly.data, conn->assembly.len,
                      request);
    return UPF_OK;
}

static upf_status queue_accept(upf_conn *conn, upf_str subprotocol,
                               const upf_header *headers, size_t header_count)
{
    struct upf_http_out out = output_of(conn);
    char                text[EXTENSION_TEXT_MAX];

    return upf_accept_write(conn->in.handshake.digest, subprotocol,
                            extension_text(conn, false, text), headers,
                            header_count, &out);
}

/* The request was answered. Its event may be at hand still, so the head goes
 * with the next one. */
static void leave_request(upf_conn *conn, upf_status status)
{
    conn->status = (int8_t)status;
    if (upf_has(conn, UPF_HEAD_BORROWED))
        upf_conn_drop_assembly(conn);
    else
        upf_set(conn, UPF_EVENT_IN_BLOCK);
    upf_conn_enter(conn, status == UPF_OK ? UPF_STATE_OPENING
                                          : UPF_STATE_CLOSING);
    upf_conn_note_output(conn);
}

static bool is_unanswered(const upf_conn *conn)
{
    return conn->state == UPF_STATE_ANSWER ||
           conn->state == UPF_STATE_DEFERRED;
}

upf_status upf_accept(upf_conn *conn, const char *subprotocol,
                      const upf_header *headers, size_t header_count)
{
    upf_request request;

    if (!is_unanswered(conn) || !upf_has(conn, UPF_WEBSOCKET))
        return UPF_ERR_STATE;
    upf_conn_request(conn, &request);
    if (subprotocol != NULL && !upf_request_offers(&request, subprotocol))
        return UPF_ERR_ARGUMENT;
    const upf_status status = queue_accept(conn, upf_str_of(subprotocol),
                                           headers, header_count);
    if (status != UPF_OK)
        return status;
    conn->in.handshake.subprotocol = subprotocol;
    leave_request(conn, UPF_OK);
    return UPF_OK;
}

/* A caller that did not look must not have let anybody in: the default answer
 * is a refusal now. */
static upf_status fail_closed(upf_conn *conn, upf_status status)
{
    if (status != UPF_OK)
        conn->status = UPF_ERR_REFUSED;
    return status;
}

upf_status upf_refuse(upf_conn *conn, int http_status,
                      const upf_header *headers, size_t header_count,
                      const void *body, size_t body_len)
{
    struct upf_http_out out = output_of(conn);

    if (!is_unanswered(conn))
        return UPF_ERR_STATE;
    const upf_status status =
        upf_refusal_write(http_status, headers, header_count, body, body_len,
                          upf_has(conn, UPF_IS_HEAD), &out);
    if (status == UPF_OK)
        leave_request(conn, UPF_ERR_REFUSED);
    return fail_closed(conn, status);
}

upf_status upf_defer(upf_conn *conn)
{
    struct upf_buf copy = {NULL, 0};

    if (conn->state != UPF_STATE_ANSWER)
        return UPF_ERR_STATE;
    if (upf_has(conn, UPF_HEAD_BORROWED)) {
        if (!upf_buf_reserve(&copy, conn->config, conn->assembly.len))
            return fail_closed(conn, UPF_ERR_NO_MEMORY);
        copy.len = conn->assembly.len;
        memcpy(copy.data, conn->assembly.data, copy.len);
        conn->assembly = copy;
        upf_clear(conn, UPF_HEAD_BORROWED);
    }
    upf_conn_enter(conn, UPF_STATE_DEFERRED);
    return UPF_OK;
}

void upf_conn_answer(upf_conn *conn)
{
    upf_status status = (upf_status)conn->status;

    if (status == UPF_OK)
        status = queue_accept(conn, upf_str_of(conn->in.handshake.subprotocol),
                              NULL, 0);
    if (status == UPF_OK)
        leave_request(conn, UPF_OK);
    else
        upf_conn_fail(conn, status);
}

void upf_conn_refuse_failed(upf_conn *conn, upf_status status)
{
    struct upf_http_out out = output_of(conn);

    /* An application that gives up says so with a 503. If there is no answer
     * to a failure, the client is gone; without memory, it gets none. */
    if (status == UPF_ERR_REFUSED)
        upf_refusal_write(503, NULL, 0, NULL, 0, false, &out);
    else
        upf_failure_write(status, upf_has(conn, UPF_IS_HEAD), &out);
    upf_conn_note_output(conn);
}

/* ---- Client ------------------------------------------------------------- */

static upf_status queue_request(upf_conn *conn, const upf_url *url,
                                const upf_client_request *request,
                                const char *key)
{
    struct upf_http_out out = output_of(conn);
    char                text[EXTENSION_TEXT_MAX];

    return upf_request_write(request, url, key, conn->config->subprotocols,
                             extension_text(conn, true, text), &out);
}

upf_status upf_conn_init_client(upf_conn *conn, const upf_config *config,
                                const upf_client_request *request)
{
    uint8_t nonce[16];
    char    key[UPF_KEY_LEN];
    upf_url url;

    upf_status status = upf_conn_begin(conn, config, UPF_STATE_RESPONSE,
                                       UPF_IS_CLIENT);
    if (status == UPF_OK)
        status = upf_url_parse(request->url, &url);
    if (status == UPF_OK &&
        !conn->config->random(conn->config->random_user, nonce, sizeof nonce))
        status = UPF_ERR_RANDOM;
    if (status == UPF_OK) {
        upf_base64_encode(nonce, sizeof nonce, key);
        upf_accept_digest(key, conn->in.handshake.digest);
        status = queue_request(conn, &url, request, key);
    }
    if (status == UPF_OK)
        upf_conn_note_output(conn);
    else
        upf_conn_free(conn);
    return status;
}

/* A 101: is it the answer to our request, to the letter? */
static upf_status judge_response(upf_conn *conn, upf_response *response)
{
    const upf_status status = upf_response_judge(
        response, conn->in.handshake.digest, conn->config->subprotocols);

    return status == UPF_OK ? check_extension(conn, response->headers)
                            : status;
}

static upf_status open_client(upf_conn *conn, upf_event *event)
{
    event->type        = UPF_EVENT_OPEN;
    event->status      = UPF_OK;
    event->data        = NULL;
    event->len         = 0;
    event->subprotocol = event->response.subprotocol;
    upf_conn_enter(conn, UPF_STATE_OPEN);
    if (conn->assembly.data != NULL)
        upf_set(conn, UPF_EVENT_IN_BLOCK);
    return UPF_OK;
}

/* An interim response (RFC 9110, section 15.2): another head follows. */
static void forget_interim(upf_conn *conn)
{
    const uint32_t bytes = conn->in.handshake.scan.bytes;

    upf_conn_drop_assembly(conn);
    conn->in.handshake.scan       = (struct upf_head_scan){0};
    conn->in.handshake.scan.bytes = bytes; /* one limit for all of them */
}

upf_status upf_conn_read_response(upf_conn *conn, upf_input *input,
                                  upf_event *event)
{
    upf_response *response = &event->response;
    upf_response  kept;
    upf_str       head;

    for (;;) {
        upf_status status = upf_conn_judge_start(conn, input);
        if (status != UPF_OK)
            return status;
        if (upf_conn_is_refusal(conn, input))
            return UPF_NEED_MORE;
        status = read_head(conn, input, &head);
        if (status != UPF_OK)
            return status;
        status = upf_response_parse(head.data, head.len, response);
        if (status != UPF_OK)
            return status;
        assert(response->status < 200);
        if (response->status != 101) {
            forget_interim(conn);
            continue;
        }
        status = judge_response(conn, response);
        if (status == UPF_OK)
            return open_client(conn, event);
        kept = *response;
        upf_conn_fail(conn, status);
        upf_conn_deliver_close(conn, event);
        event->response = kept;
        return UPF_OK;
    }
}
