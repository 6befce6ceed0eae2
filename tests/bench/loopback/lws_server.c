/* SPDX-License-Identifier: MIT */
/* lws_server.c - the same echo server with libwebsockets. Options as there. */

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RX_SIZE = 128 * 1024 };

struct message { /* sent by reference, behind the room that lws asks for */
    unsigned      references;
    bool          binary;
    size_t        len;
    unsigned char bytes[];
};

struct session { /* zeroed by lws */
    struct session  *previous, *next;
    struct lws      *wsi;
    struct message **queue;
    size_t           first, count, room;
    unsigned char   *partial; /* of the message that is arriving */
    size_t           partial_len;
};

static struct session *sessions;
static bool            broadcast;

static void *grown(void *old, size_t size)
{
    void *memory = realloc(old, size);

    if (memory == NULL) {
        fputs("lws_server: no memory\n", stderr);
        exit(1);
    }
    return memory;
}

static void release(struct message *m)
{
    if (--m->references == 0)
        free(m);
}

static void push(struct session *s, struct message *m)
{
    if (s->first > 0 && s->first + s->count == s->room) {
        memmove(s->queue, s->queue + s->first, s->count * sizeof *s->queue);
        s->first = 0;
    }
    if (s->count == s->room) {
        s->room  = s->room ? 2 * s->room : 16;
        s->queue = grown(s->queue, s->room * sizeof *s->queue);
    }
    s->queue[s->first + s->count++] = m;
    m->references++;
    lws_callback_on_writable(s->wsi);
}

static void receive(struct session *s, const void *in, size_t len)
{
    if (len > 0) {
        s->partial = grown(s->partial, s->partial_len + len);
        memcpy(s->partial + s->partial_len, in, len);
        s->partial_len += len;
    }
    if (!lws_is_final_fragment(s->wsi) ||
        lws_remaining_packet_payload(s->wsi) > 0)
        return;

    struct message *m = grown(NULL, sizeof *m + LWS_PRE + s->partial_len);
    *m = (struct message){.references = 1, .len = s->partial_len,
                          .binary = lws_frame_is_binary(s->wsi) != 0};
    if (m->len > 0)
        memcpy(m->bytes + LWS_PRE, s->partial, m->len);
    s->partial_len = 0;
    for (struct session *to = sessions; broadcast && to; to = to->next)
        push(to, m);
    if (!broadcast)
        push(s, m);
    release(m);
}

/* Returns -1 to close. */
static int send_queued(struct session *s)
{
    while (s->count > 0 && !lws_send_pipe_choked(s->wsi)) {
        struct message *m = s->queue[s->first];
        const int n = lws_write(s->wsi, m->bytes + LWS_PRE, m->len,
                                m->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);

        s->first++;
        s->count--;
        release(m);
        if (n < 0)
            return -1;
    }
    if (s->count > 0)
        lws_callback_on_writable(s->wsi);
    return 0;
}

static void open_session(struct session *s, struct lws *wsi)
{
    s->wsi  = wsi;
    s->next = sessions;
    if (sessions != NULL)
        sessions->previous = s;
    sessions = s;
}

static void close_session(struct session *s)
{
    if (s->next != NULL)
        s->next->previous = s->previous;
    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        sessions = s->next;
    while (s->count-- > 0)
        release(s->queue[s->first++]);
    free(s->queue);
    free(s->partial);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t len)
{
    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        open_session(user, wsi);
        break;
    case LWS_CALLBACK_RECEIVE:
        receive(user, in, len);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return send_queued(user);
    case LWS_CALLBACK_CLOSED:
        close_session(user);
        break;
    default:
        break;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {
        {.name                  = "echo",
         .callback              = on_event,
         .per_session_data_size = sizeof(struct session),
         .rx_buffer_size        = RX_SIZE},
        {.name = NULL},
    };
    struct lws_context_creation_info info;
    const char *host = "127.0.0.1";

    memset(&info, 0, sizeof info);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--broadcast") == 0)
            broadcast = true;
        else if (strcmp(argv[i], "--host") == 0 && i + 1 < argc)
            host = argv[++i];
        else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc)
            info.port = atoi(argv[++i]);
    }
    lws_set_log_level(LLL_ERR, NULL);
    info.iface            = host;
    info.protocols        = protocols;
    info.pt_serv_buf_size = RX_SIZE;
    info.vhost_name       = "echo";
    info.options          = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;

    struct lws_context *context = lws_create_context(&info);
    struct lws_vhost   *vhost   =
        context ? lws_create_vhost(context, &info) : NULL;
    if (vhost == NULL) {
        fputs("lws_server: cannot listen\n", stderr);
        return 1;
    }
    printf("listening on ws://%s:%d/\n", host,
           lws_get_vhost_listen_port(vhost));
    fflush(stdout);
    while (lws_service(context, 0) >= 0)
        continue;
    lws_context_destroy(context);
    return 0;
}
