/* SPDX-License-Identifier: MIT */
/* conn_open.c - the opening handshake of a connection (RFC 6455, section 4). */

#include <assert.h>
#include <string.h>

#include "base64.h"
#include "conn_assembly.h"
#include "conn_open.h"
#include "handshake.h"
#include "http.h"
#include "http_fields.h"
#include "http_scan.h"
#include "http_write.h"
#include "url.h"

/* ---- Heads in ----------------------------------------------------------- */

static struct upf_head_limits limits_of(const upf_config *config)
{
    return (struct upf_head_limits){.bytes = config->max_head,
                                    .line  = config->max_head_line,
                                    .lines = config->max_head_lines};
}

/*
 * Take a head off the input. *head lies in the input if the head came in one
 * piece, else in the assembly. Returns UPF_OK; UPF_NEED_MORE; an error in the
 * head, with conn->offset at the byte at fault; or UPF_ERR_NO_MEMORY.
 */
static upf_status read_head(upf_conn *conn, upf_input *input, upf_str *head)
{
    const struct upf_head_limits limits = limits_of(conn->config);
    const struct upf_buf *block = &conn->assembly;
    const uint8_t        *start = input->data;
    size_t                taken;

    const upf_status status =
        upf_head_scan(&conn->in.handshake.at.scan, &limits, start, input->len,
                      &taken);
    if (status < 0) {
        upf_conn_blame(conn, conn->offset + taken);
        return status;
    }
    if (status == UPF_OK && block->data == NULL) {
        *head = (upf_str){(const char *)start, taken};
        upf_conn_take(conn, input, taken);
        return UPF_OK;
    }
    if (taken > 0) {
        if (!upf_assembly_grow(conn, block->len, block->len + taken,
                               conn->config->max_head))
            return UPF_ERR_NO_MEMORY;
        memcpy(block->data + block->len, start, taken);
        upf_assembly_add(conn, taken);
        upf_conn_take(conn, input, taken);
    }
    *head = (upf_str){(const char *)block->data, block->len};
    return status;
}

/* ---- Open --------------------------------------------------------------- */

static upf_status deliver_open(upf_conn *conn, upf_event *event,
                               upf_str subprotocol)
{
    event->type        = UPF_EVENT_OPEN;
    event->data        = NULL;
    event->len         = 0;
    event->status      = UPF_OK;
    event->subprotocol = subprotocol;
    upf_conn_enter(conn, UPF_STATE_OPEN);
    return UPF_OK;
}

upf_status upf_conn_open_next(upf_conn *conn, upf_event *event)
{
    event->response = (upf_response){0};
    return deliver_open(conn, event,
                        upf_str_of(conn->in.handshake.at.whole.subprotocol));
}

/* A program that did the handshake itself hands over the connection. */
upf_status upf_conn_init_open(upf_conn *conn, const upf_config *config,
                              bool is_client, const char *subprotocol)
{
    upf_status status = upf_conn_begin(conn, config, UPF_STATE_OPENING,
                                       is_client ? UPF_IS_CLIENT : 0);
    if (status == UPF_OK && subprotocol != NULL &&
        !upf_is_token(upf_str_of(subprotocol)))
        status = UPF_ERR_ARGUMENT;
    if (status == UPF_OK)
        upf_conn_set_subprotocol(conn, subprotocol);
    else
        upf_conn_free(conn);
    return status;
}

/* ---- Server ------------------------------------------------------------- */

/* Whether the Origin is just a scheme and the Host's characters, as nearly all
 * are. False if the target is a whole URL, whose scheme has to be compared,
 * too. */
static bool is_of_host(const upf_request *request)
{
    return *request->target_as_sent.data == '/' &&
           upf_is_origin_of(request->origin, request->host);
}

/* The error for an origin that may not connect. A second Origin field, which
 * makes request->origin "", is an error of its own. */
static upf_status blame_origin(const upf_request *request)
{
    upf_str headers = request->headers, value;

    return upf_header_next_called(&headers, "Origin", &value) &&
                   upf_header_next_called(&headers, "Origin", &value)
               ? UPF_ERR_ORIGIN_REPEATED
               : UPF_ERR_ORIGIN;
}

/* The head, which was the last to be taken, is at fault as a whole. */
static void blame_head(upf_conn *conn, upf_str head)
{
    upf_conn_blame(conn, conn->offset - head.len);
}

/* The head is whole: in.handshake.at now holds `whole` in place of `scan`. */
static void keep_head(upf_conn *conn, upf_str head)
{
    upf_conn_move_head(conn, head.data);
    upf_conn_set_subprotocol(conn, NULL);
    conn->in.handshake.head_len = (uint32_t)head.len;
}

/* Judge a sound handshake: choose subprotocol and extension, check Origin. */
static upf_status judge_request(upf_conn *conn, const upf_request *request)
{
    const upf_config *config = conn->config;

    upf_set(conn, UPF_WEBSOCKET);
    upf_accept_digest(request->key.data, conn->in.handshake.digest);
    if (config->subprotocols != NULL)
        upf_conn_set_subprotocol(
            conn, upf_subprotocol_choose(request, config->subprotocols));
    const upf_status status =
        config->ext ? upf_conn_agree_on_extension(conn, request->headers)
                    : UPF_OK;
    if (status != UPF_OK)
        return status;
    return is_of_host(request) ||
                   upf_request_origin_allowed(request, config->origins)
               ? UPF_OK
               : blame_origin(request);
}

/*
 * The fast path: take a request that lies whole in the input and is sound, as
 * most are, in one pass over its bytes. False if it is no such request: then
 * nothing was taken, and read_head() finds out why.
 */
static bool take_request(upf_conn *conn, upf_input *input, upf_str *head,
                         upf_request *request)
{
    const upf_config *config = conn->config;
    const size_t len = input->len < config->max_head ? input->len
                                                     : config->max_head;
    struct upf_fields fields;
    upf_str rest = {(const char *)input->data, len};

    if (conn->in.handshake.at.scan.bytes > 0 ||
        upf_request_judge(&rest, request, &fields) != UPF_OK ||
        fields.lines > config->max_head_lines ||
        len - rest.len > config->max_head_line) /* so no line is longer */
        return false;
    *head = (upf_str){(const char *)input->data, len - rest.len};
    upf_conn_take(conn, input, head->len);
    return true;
}

/* An error in the first line has a status of its own: the cause is mostly a
 * long URL, or TLS on a port for plain HTTP. */
static upf_status blame_line(const upf_conn *conn, upf_status status)
{
    if (!upf_head_is_in_first_line(&conn->in.handshake.at.scan))
        return status;
    return status == UPF_ERR_HTTP           ? UPF_ERR_REQUEST_LINE
           : status == UPF_ERR_HEAD_TOO_BIG ? UPF_ERR_TARGET_TOO_BIG
                                            : status;
}

/* Whether the application is asked; other requests are refused at once. */
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
    keep_head(conn, head);
    if (status == UPF_OK)
        status = judge_request(conn, request);
    if (!may_be_answered(status)) {
        blame_head(conn, head);
        return status;
    }
    if (upf_str_same(event->request.method, UPF_LITERAL("HEAD")))
        upf_set(conn, UPF_IS_HEAD);
    upf_conn_set_verdict(conn, status);
    event->type   = UPF_EVENT_REQUEST;
    event->status = status;
    event->data   = NULL;
    event->len    = 0;
    upf_conn_enter(conn, UPF_STATE_ANSWER);
    return UPF_OK;
}

/* ---- Client ------------------------------------------------------------- */

static upf_status queue_request(upf_conn *conn, const upf_url *url,
                                const upf_client_request *request,
                                const char *key)
{
    struct upf_http_out out = upf_conn_head_out(conn);
    char                text[UPF_EXTENSION_TEXT_MAX];

    return upf_request_write(request, url, key, conn->config->subprotocols,
                             upf_conn_extension_text(conn, true, text), &out);
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

/* Whether a 101 answers our request to the letter. */
static upf_status judge_response(upf_conn *conn, upf_response *response)
{
    const upf_status status = upf_response_judge(
        response, conn->in.handshake.digest, conn->config->subprotocols);

    return status == UPF_OK ? upf_conn_check_extension(conn, response->headers)
                            : status;
}

static upf_status open_client(upf_conn *conn, upf_event *event)
{
    deliver_open(conn, event, event->response.subprotocol);
    if (conn->assembly.data != NULL)
        upf_set(conn, UPF_EVENT_IN_BLOCK);
    return UPF_OK;
}

/* An interim response (RFC 9110, section 15.2): another head follows. */
static void forget_interim(upf_conn *conn)
{
    upf_assembly_free(conn);
    upf_head_scan_next(&conn->in.handshake.at.scan);
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
        if (status != UPF_OK) {
            blame_head(conn, head);
            return status;
        }
        assert(response->status < 200);
        if (response->status != 101) {
            forget_interim(conn);
            continue;
        }
        status = judge_response(conn, response);
        if (status == UPF_OK)
            return open_client(conn, event);
        kept = *response;
        blame_head(conn, head);
        upf_conn_fail(conn, status);
        upf_conn_deliver_close(conn, event);
        event->response = kept;
        return UPF_OK;
    }
}
