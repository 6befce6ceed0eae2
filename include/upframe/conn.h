/* SPDX-License-Identifier: MIT */
/*
 * upframe/conn.h - one WebSocket connection, without its socket.
 *
 * Bytes go in, events come out: upf_conn_next(). Messages go in, bytes come
 * out: upf_send() and its variants, then upf_conn_output(). Nothing here does
 * I/O or reads a clock, and nothing calls the application but through the
 * allocator, the random source and the trace hook that upf_config names.
 * upframe/io.h drives a connection over read and write callbacks.
 *
 * A connection is used by one thread at a time; different connections are
 * independent.
 */
#ifndef UPFRAME_CONN_H
#define UPFRAME_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <upframe/frame.h>
#include <upframe/handshake.h>
#include <upframe/private.h>
#include <upframe/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct upf_conn   upf_conn;
typedef struct upf_shared upf_shared;
struct upf_ext;

/* ---- Configuration ---------------------------------------------------- */

/*
 * Allocate, resize or free, as realloc does.
 *
 *   ptr       a block from this function, or NULL to allocate
 *   old_size  the block's size; 0 if `ptr` is NULL
 *   new_size  bytes wanted; 0 frees the block and returns NULL
 *
 * Returns a block aligned for any type, or NULL if there is no memory (the
 * old block is then untouched). Neither this nor the next two may call a
 * function of the library with the connection that calls them.
 */
typedef void *upf_alloc_fn(void *user, void *ptr, size_t old_size,
                           size_t new_size);

/*
 * Fill `out` with `len` bytes that nobody can predict; false on failure.
 * Called once per client handshake (16 bytes) and per masked frame (4).
 */
typedef bool upf_random_fn(void *user, void *out, size_t len);

/* Called for each frame header, read (`sent` false) or queued (true), in the
 * call of upf_conn_next() that reads it, or of the function that sends it. */
typedef void upf_trace_fn(void *user, const upf_conn *conn, bool sent,
                          const upf_frame_header *header);

/* Which output pauses reading once more than high_water bytes of it wait. */
typedef enum upf_pause {
    UPF_PAUSE_BY_ROLE = 0, /* a server: its replies; a client: none */
    UPF_PAUSE_REPLIES,     /* replies: see upf_conn_wants() */
    UPF_PAUSE_ALWAYS,      /* all output, replies or not */
    UPF_PAUSE_NEVER        /* none: max_queued is the only bound */
} upf_pause;

/*
 * What connections share. Take upf_config_default() and change what differs;
 * the struct must outlive its connections, and not change while there are any.
 * Limits are inclusive. 0 does not mean "no limit": it is refused (but for
 * max_body).
 */
typedef struct upf_config {
    /* What a peer may send */
    uint64_t max_message;   /* bytes, after extensions: 16 MiB */
    uint64_t max_frame;     /* bytes of payload: 16 MiB */
    uint32_t max_fragments; /* frames of one message: 100,000 */
    uint32_t max_head;      /* bytes of an HTTP head: 16 KiB */
    uint32_t max_head_line; /* bytes of one line of it: 8 KiB */
    uint16_t max_head_lines; /* header lines: 100 */
    uint32_t max_body; /* client: bytes read of the body of a response whose
                          status is not 101: 4 KiB; 0: it is not read */

    /* What may wait for the transport */
    size_t max_queued; /* bytes; a send over it is refused: 32 MiB */
    size_t high_water; /* bytes; reading pauses while more wait: 1 MiB */
    upf_pause pause_reading; /* which output counts: UPF_PAUSE_BY_ROLE */

    /* Milliseconds; 0 switches a time-out off. See upf_conn_tick(). */
    uint32_t handshake_timeout; /* 10 s */
    uint32_t ping_interval;     /* silence after which we ping, measured to a
                                   tenth of itself: 30 s */
    uint32_t pong_timeout;      /* silence after our ping was written: then the
                                   connection fails: 20 s. It also fails if
                                   neither of the two is 0 and no byte of
                                   waiting output is written for their sum,
                                   counted from a tick at most two tenths of
                                   ping_interval after it began to wait, or
                                   the last byte was written */
    uint32_t close_timeout;     /* from our Close to the transport's end: 5 s */

    /* Behaviour */
    bool stream;          /* CHUNK events as bytes come, no MESSAGE */
    bool allow_unmasked;  /* server: accept frames without a mask */
    bool trust_sent_text; /* do not check the UTF-8 of text we send */

    /* Handshake: NULL-terminated lists, or NULL */
    const char *const    *subprotocols; /* ours, the preferred one first */
    const char *const    *origins;      /* as in upf_origin_allowed() */
    const struct upf_ext *ext;          /* an extension to negotiate */

    /* Hooks, with their defaults; alloc and random are never NULL */
    upf_alloc_fn  *alloc; /* realloc and free */
    void          *alloc_user;
    upf_random_fn *random; /* the operating system's generator */
    void          *random_user;
    upf_trace_fn  *trace; /* none */
    void          *trace_user;
} upf_config;

upf_config upf_config_default(void);

/*
 * What is wrong with `config`, for the person who wrote it: a static string,
 * a sentence that begins with the field's name; NULL if nothing is wrong (and
 * for `config` NULL, the defaults). It looks, in this order, for
 *
 *   what prevents every connection (UPF_ERR_ARGUMENT)
 *     a limit of 0 (the times and max_body may be 0); a pause_reading that is
 *     none of the enumerators; no alloc, no random; a subprotocol that is not
 *     a token
 *   what is accepted, but cannot be intended
 *     a subprotocol twice (accepted for a server only; a client's connection
 *     does not begin); limits of a head that no handshake fits in; high_water
 *     over max_queued; an origin that no browser sends: without a scheme, with
 *     a path (even a lone slash), a wildcard, a port that is not from 1 to
 *     65,535, or letters other than ASCII
 *
 * Call it once, when the program starts: the library never calls it.
 */
const char *upf_config_check(const upf_config *config);

/* ---- The connection --------------------------------------------------- */

/*
 * A upf_conn is caller-owned: embed it where you like. It holds heap memory
 * only while it is busy (a message in pieces, output that waits). It holds no
 * pointer to itself, so it may be moved; but not while an event's data is in
 * use, which may lie in it. Its fields are private; see upframe/private.h.
 */

/*
 * Begin a connection. The struct need not be initialised.
 *
 *   config   NULL for the defaults
 *
 * init_server    awaits a client's handshake
 * init_client    queues the request; awaits the server's response. `request`
 *                and its strings are used during the call only.
 * init_open      starts open: the handshake was done elsewhere (an HTTP stack,
 *                RFC 8441, RFC 9220). Bytes already read after the handshake
 *                are the first input. `subprotocol` is what OPEN reports, and
 *                must live until then; may be NULL.
 *
 * Returns UPF_OK, or, with the connection unusable but safe to free,
 *   UPF_ERR_ARGUMENT   a bad config: upf_config_check() says what is wrong; or
 *                      a bad subprotocol or header: a control character or a
 *                      name that is not a token (upf_header_fault())
 *   UPF_ERR_URL        client: a URL that is missing, or that upf_url_parse()
 *                      refuses
 *   UPF_ERR_RANDOM, UPF_ERR_NO_MEMORY   client
 */
upf_status upf_conn_init_server(upf_conn *conn, const upf_config *config);
upf_status upf_conn_init_client(upf_conn *conn, const upf_config *config,
                                const upf_client_request *request);
upf_status upf_conn_init_open(upf_conn *conn, const upf_config *config,
                              bool is_client, const char *subprotocol);

/*
 * Free all that the connection holds, at any time, without telling the peer
 * (upf_close() does). Its slices and events are no longer valid. Every later
 * call is safe: upf_conn_next() returns UPF_DONE, sends return UPF_ERR_STATE.
 */
void upf_conn_free(upf_conn *conn);

/* ---- Bytes in, events out --------------------------------------------- */

/*
 * The events of a connection form this grammar, whatever the peer does:
 *
 *   REQUEST? (OPEN (MESSAGE | CHUNK | PING | PONG)*)? CLOSE
 *
 * then UPF_DONE for ever. Only servers get REQUEST. Each connection that was
 * begun ends with one CLOSE, be it closed, failed, timed out, refused or cut
 * off.
 */
typedef enum upf_event_type {
    UPF_EVENT_REQUEST = 1, /* a request: .request, .status */
    UPF_EVENT_OPEN,        /* the handshake is done: .subprotocol, .response */
    UPF_EVENT_MESSAGE,     /* a whole message: .opcode, .data, .len */
    UPF_EVENT_CHUNK,       /* a piece of one: these, and .first, .last */
    UPF_EVENT_PING,        /* .data, .len; the library answers it */
    UPF_EVENT_PONG,        /* .data, .len */
    UPF_EVENT_CLOSE        /* the end: .close, .status, reason in .data */
} upf_event_type;

typedef struct upf_close_info {
    int      code;      /* the peer's; 1005: Close without one; 1006: none */
    int      sent_code; /* ours; 1005: Close without one; 0: none was sent */
    bool     clean;     /* both sides sent a Close */
    uint64_t offset;    /* in the peer's stream: of the first byte at fault,
                           or of the first byte that was not processed */
} upf_close_info;

/* Only the fields that upf_event_type lists for an event are meaningful; the
 * rest are unspecified. */
typedef struct upf_event {
    upf_event_type type;
    upf_opcode     opcode; /* UPF_OP_TEXT or UPF_OP_BINARY */
    bool           first;  /* CHUNK: begins its message */
    bool           last;   /* CHUNK: ends its message; it may be empty */
    uint8_t       *data;   /* payload, unmasked; the caller may write to it;
                              may be NULL if len is 0 */
    size_t         len;
    upf_status     status; /* REQUEST, CLOSE: UPF_OK, or what is wrong */
    upf_request    request;
    upf_response   response; /* client: OPEN, and CLOSE if a response arrived
                                (response.status is 0 otherwise) */
    upf_str        subprotocol; /* the one agreed on; data NULL if none */
    upf_close_info close;
} upf_event;

/*
 * A client whose server, or a proxy on the way, answers with a status other
 * than 101 gets CLOSE with UPF_ERR_RESPONSE. event->response is then what could
 * be read: the status; the reason, and those header lines that are sound and
 * within the max_head* limits (bad lines are left out, and so is a whole field
 * that is folded over several lines; lines may end with LF alone); the body,
 * without its chunked coding, up to max_body. CLOSE comes with the last byte of
 * the body, when max_body is reached, after max_head bytes of heads or
 * max_head + max_body in all, with a malformed chunk, at the end of the stream
 * or after handshake_timeout, whichever is first.
 * Bytes that cannot begin the status line of an HTTP/1 response are
 * UPF_ERR_HTTP at the first byte that shows it (UPF_ERR_HTTP_VERSION if that is
 * the version's number). A 101 must be correct to the letter.
 */

/* A cursor over bytes that were read. The engine unmasks in place. */
typedef struct upf_input {
    uint8_t *data;
    size_t   len;
} upf_input;

/*
 * Take bytes from `input` until there is an event.
 *
 *   input  moved past the bytes that were taken. The next call must get the
 *          bytes that were not taken, before any new ones.
 *   event  written on UPF_OK only. event->data and the slices lie in the
 *          input's memory or the connection's: valid until the next call of
 *          upf_conn_next() or upf_conn_free(), or until the input's memory is
 *          changed, whichever is first.
 *
 * Returns
 *   UPF_OK           one event; call again, there may be more
 *   UPF_WANT_READ    all input was taken: hand in more (or call upf_conn_eof())
 *   UPF_WANT_ANSWER  the request was deferred and is not answered yet; no
 *                    input was taken
 *   UPF_DONE         CLOSE was delivered; input is left alone
 *
 * Answers to pings and Closes, and the peer's notice of a failure, are queued
 * as output: write it whenever this returns anything but UPF_OK.
 */
upf_status upf_conn_next(upf_conn *conn, upf_input *input, upf_event *event);

/*
 * Where to read the next bytes, so that a large payload need not be copied:
 * *len writable bytes, or NULL if any memory will do. After a read into it,
 * hand the same address to upf_conn_next(). The memory is valid until the next
 * call of upf_conn_next() or upf_conn_free(); until then a read into it may be
 * under way. A message that arrives in pieces takes at most 4 KiB and twice
 * what was received of it, and at most what its header declares (max_message
 * if it comes in fragments); while it is moved to a larger block, the old block
 * is there as well.
 */
uint8_t *upf_conn_room(upf_conn *conn, size_t *len);

/*
 * The transport's read side has ended, or the transport has failed. The next
 * upf_conn_next() delivers CLOSE, if it was not delivered yet. After
 * upf_conn_lost() there is nothing more to write.
 */
void upf_conn_eof(upf_conn *conn);
void upf_conn_lost(upf_conn *conn);

/* ---- Answering a request (server) ------------------------------------- */

/*
 * The application may answer a REQUEST event; if it does not, the next call of
 * upf_conn_next() does. If event->status is UPF_OK, it accepts, with the first
 * of config->subprotocols that the client offers. Otherwise it refuses, with
 * upf_status_http(): 403 for UPF_ERR_ORIGIN and UPF_ERR_ORIGIN_REPEATED, 426
 * for UPF_ERR_NOT_UPGRADE and UPF_ERR_UPGRADE_STRIPPED.
 *
 * upf_accept   queues the 101, even where the default answer would be 403
 *   subprotocol  one that the client offered, or NULL; it must live until
 *                OPEN was delivered
 *   headers      further headers, Set-Cookie for instance
 * upf_refuse   queues a whole response with `http_status`, 200 to 599 (a page
 *              sent to an ordinary HTTP request is a refusal, too). Connection:
 *              close and, but for 204 and 304, Content-Length are added, and to
 *              426 Upgrade and Sec-WebSocket-Version. CLOSE with
 *              UPF_ERR_REFUSED follows. `body` may be NULL if `body_len` is 0.
 * upf_defer    puts the answer off: upf_conn_next() returns UPF_WANT_ANSWER
 *              until upf_accept() or upf_refuse() was called. The request is
 *              kept; upf_conn_request() reads it again.
 *
 * Return UPF_OK, or one of these, with nothing queued and the request still
 * unanswered. After an error of upf_refuse() or upf_defer() other than
 * UPF_ERR_STATE, the default answer is a 503.
 *   UPF_ERR_STATE      there is no request to answer; (upf_accept) it does not
 *                      ask for a WebSocket; (upf_defer) it is deferred already
 *   UPF_ERR_ARGUMENT   a subprotocol that was not offered; an http_status out
 *                      of range; a header that is malformed or that this
 *                      library writes itself (Connection, Upgrade,
 *                      Content-Length, Transfer-Encoding, Sec-WebSocket-*):
 *                      upf_header_fault() says why
 *   UPF_ERR_NO_MEMORY
 */
upf_status upf_accept(upf_conn *conn, const char *subprotocol,
                      const upf_header *headers, size_t header_count);
upf_status upf_refuse(upf_conn *conn, int http_status,
                      const upf_header *headers, size_t header_count,
                      const void *body, size_t body_len);
upf_status upf_defer(upf_conn *conn);

/*
 * The request that awaits its answer; UPF_ERR_STATE if there is none. Its
 * strings are valid as long as the event's; those of a deferred request, until
 * the first upf_conn_next() after the answer, or upf_conn_free().
 */
upf_status upf_conn_request(const upf_conn *conn, upf_request *request);

/* ---- Messages in, bytes out ------------------------------------------- */

typedef struct upf_slice { /* laid out as struct iovec where there is one */
    void  *data;
    size_t len;
} upf_slice;

/*
 * Queue one message, all or nothing. `opcode` is UPF_OP_TEXT or
 * UPF_OP_BINARY; text must be UTF-8.
 *
 * upf_send        copies `data`
 * upf_sendv       gathers `count` slices into one frame, copying
 * upf_send_part   one fragment; `opcode` counts only for a message's first one,
 *                 `fin` ends the message. A code point may be split between two
 *                 parts. Only control frames are sent between the parts.
 *
 * Return UPF_OK, or with nothing queued
 *   UPF_ERR_STATE       before OPEN, after upf_close(), after the peer's
 *                       Close, or inside a message begun by parts
 *   UPF_ERR_ARGUMENT    opcode
 *   UPF_ERR_UTF8        text, unless config->trust_sent_text
 *   UPF_ERR_QUEUE_FULL  over config->max_queued
 *   UPF_ERR_NO_MEMORY, UPF_ERR_RANDOM
 */
upf_status upf_send(upf_conn *conn, upf_opcode opcode, const void *data,
                    size_t len);
upf_status upf_sendv(upf_conn *conn, upf_opcode opcode,
                     const upf_slice *slices, size_t count);
upf_status upf_send_part(upf_conn *conn, upf_opcode opcode, const void *data,
                         size_t len, bool fin);

/*
 * Like upf_send(), without a copy where that is possible (a server, no
 * extension, no config->stream): the frame header is written in front of
 * `data`, and both are sent from there.
 *
 *   data  the payload of the MESSAGE at hand, or the start of it; or memory
 *         with UPF_FRAME_HEADER_MAX bytes in front of `data` that may be
 *         overwritten (not needed if `len` is 0; `data` may then be NULL).
 *         The library may move the payload towards the front, so what is in
 *         `data` afterwards is unspecified. So is what stands in front of it
 *         in an event's payload, if `data` is not the start of that. Leave
 *         both alone until the next event; what follows stays as it is, and
 *         upf_send() may send it. The caller's own memory, and the input's, is
 *         borrowed until upf_conn_output_done() has returned; if it was not
 *         yet offered as output, until upf_conn_output_keep().
 */
upf_status upf_send_in_place(upf_conn *conn, upf_opcode opcode, void *data,
                             size_t len);

/*
 * A message that is encoded once and sent by reference on many connections
 * (by servers only: a client masks each frame with a key of its own).
 *
 * upf_shared_new    copies `data`; NULL if there is no memory, and for text
 *                   that is not UTF-8, unless config->trust_sent_text. `config`
 *                   NULL: the defaults.
 * upf_send_shared   queues it; the connection holds its own reference.
 *                   Results as upf_send(); UPF_ERR_STATE for a client
 * upf_shared_free   gives up the creator's reference, at any time
 *
 * References are counted atomically: the connections may live on different
 * threads if `config`'s allocator may (and not with UPF_NO_ATOMICS).
 */
upf_shared *upf_shared_new(const upf_config *config, upf_opcode opcode,
                           const void *data, size_t len);
upf_status  upf_send_shared(upf_conn *conn, upf_shared *shared);
void        upf_shared_free(upf_shared *shared);

/*
 * Queue a ping, or an unsolicited pong. Not subject to max_queued, but to a
 * small fixed budget: UPF_ERR_QUEUE_FULL when about 2 KiB of control frames
 * wait already. UPF_ERR_ARGUMENT if `data` is over 125 bytes. Otherwise as
 * upf_send(), but allowed between the parts of a message.
 */
upf_status upf_ping(upf_conn *conn, const void *data, size_t len);
upf_status upf_pong(upf_conn *conn, const void *data, size_t len);

/*
 * Begin the closing handshake: queue a Close after what is already queued. The
 * peer's messages are still delivered until its Close arrives.
 *
 *   code    1000 to 1003, 1007 to 1014, 3000 to 4999 (1010: clients only), or
 *           0 for a Close without code and reason
 *   reason  NULL or UTF-8, at most 123 bytes, NUL-terminated
 *
 * During the handshake, a server answers 503 and a client gives up.
 *
 * Returns UPF_OK; UPF_ERR_STATE if a Close was sent already or the connection
 * is over; UPF_ERR_ARGUMENT; UPF_ERR_NO_MEMORY; UPF_ERR_RANDOM.
 */
upf_status upf_close(upf_conn *conn, int code, const char *reason);

/*
 * The bytes to write now, in order: at most `max` slices. Returns their count.
 * They are neither moved nor changed by any call but upf_conn_output_done(),
 * upf_conn_lost() and upf_conn_free(): so a write may be under way while
 * messages are sent and received. A second call offers the same bytes again,
 * with what was queued since; from the same place, unless
 * upf_conn_output_keep() has copied them. After upf_conn_output_done(), what
 * was not written is offered again, perhaps from another place; a slice of
 * which nothing was written is then at least as long as before.
 */
size_t upf_conn_output(upf_conn *conn, upf_slice *slices, size_t max);

/*
 * End all borrowing: copy the output that waits in the caller's memory. For
 * callers that leave a write pending, or use the input's memory again, before
 * the output was written (completion I/O: io_uring, IOCP, libuv). Call it
 * before upf_conn_output(): slices that were already offered still lie in the
 * caller's memory until upf_conn_output_done().
 *
 * Returns UPF_OK, or UPF_ERR_NO_MEMORY: the connection has then failed, as
 * CLOSE will say.
 */
upf_status upf_conn_output_keep(upf_conn *conn);

/*
 * `written` bytes of the offered slices were written; 0 or negative: none (as
 * when writev fails with EAGAIN). Offered slices are no longer valid. Nothing
 * is borrowed any more: what was not written has been copied.
 *
 * Returns UPF_OK; UPF_ERR_NO_MEMORY, if that copy or a pong that was put off
 * failed, or UPF_ERR_RANDOM: the connection has then failed, as CLOSE will say.
 */
upf_status upf_conn_output_done(upf_conn *conn, ptrdiff_t written);

/* ---- What the event loop asks ----------------------------------------- */

#define UPF_WANTS_READ     1u /* hand in bytes */
#define UPF_WANTS_WRITE    2u /* write the output */
#define UPF_WANTS_SHUTDOWN 4u /* shut down the write side; go on reading and
                                 dropping bytes until the end (RFC 6455, section
                                 7.1.1) */
#define UPF_WANTS_CLOSE    8u /* close the transport */

/*
 * What the connection wants of its transport now, as UPF_WANTS_ bits.
 *
 * A server withholds READ once more than config->high_water bytes of replies
 * wait, until half of that is left, so that a peer that sends but does not read
 * is slowed down. A reply is what is queued from the moment upf_conn_next()
 * returns a MESSAGE, CHUNK or PING (the pong included) until it next returns
 * anything but UPF_OK. All else is sent unasked, and is no reason to stop
 * reading: two ends that each wait for the other to read would wait for ever.
 * So a client always reads, and only config->max_queued bounds what is sent
 * unasked. config->pause_reading chooses another rule. (Where both kinds share
 * a block of up to 24 KiB, the replies in it count as the last to be written.)
 *
 * READ is also withheld while a request is deferred, and by upf_conn_hold().
 *
 * After CLOSE, these bits lead the transport to its end: WRITE while output
 * waits; then SHUTDOWN with READ (a server, or a client that sent a Close and
 * got none) or READ alone (a client waits for the server to close); then CLOSE,
 * at the end of the stream or after config->close_timeout. A client whose
 * handshake failed goes straight to CLOSE.
 */
unsigned upf_conn_wants(const upf_conn *conn);

/*
 * Hold reading (true) or go on (false). While it is held, READ is withheld: for
 * an application that cannot take more now, or whose answers come later. Input
 * that was handed in is still delivered. The peer is not declared silent
 * meanwhile. Go on before upf_close(): the peer's Close has to be read, or
 * close_timeout ends the wait for it. After CLOSE this has no effect.
 */
void upf_conn_hold(upf_conn *conn, bool hold);

/* Bytes that are queued and not written. */
size_t upf_conn_queued(const upf_conn *conn);

/* More than config->high_water bytes were queued, and more than half of
 * high_water still are. */
bool upf_conn_congested(const upf_conn *conn);

/* Between OPEN and the first Close of either side. */
bool upf_conn_is_open(const upf_conn *conn);

/*
 * Time, in milliseconds of any clock that does not jump.
 *
 * upf_conn_deadline  when upf_conn_tick() should be called next. 0: now, which
 *                    is so when a new wait begins (at first, at REQUEST, after
 *                    OPEN, once a Close is queued, or after CLOSE if none was),
 *                    and while OPEN or CLOSE waits to be delivered. UINT64_MAX:
 *                    no need, since what is waited for has no time-out. After
 *                    upf_conn_eof() call upf_conn_next(): the deadline does not
 *                    say so.
 * upf_conn_tick      time-outs of handshake and close; keepalive pings, and
 *                    failure if they are not answered; failure if the peer
 *                    takes no byte of the output that waits. `now` is not 0.
 *                    Call it at the deadline, or more often, then
 *                    upf_conn_next(): a time-out is a CLOSE event.
 *
 * The library does not read the time when bytes arrive: the next tick counts as
 * their time. So if bytes arrived since the last tick, or output waits, the
 * deadline is a tenth of ping_interval after the last time that was noted. It
 * is at once when our ping waits to be written; if a tick has found it waiting,
 * again when it was written, since the peer's time to answer begins then. Ask
 * for the deadline after each turn of the event loop; or tick all connections
 * every tenth of ping_interval, or of pong_timeout if that is shorter. (An idle
 * connection's deadline comes once an interval.) Read what has arrived before a
 * tick: otherwise a process that stood still would take its own sleep for the
 * peer's silence. (A tick that is late by more than a tenth of the time-out
 * therefore pings once more, and gives output that waits another pong_timeout.)
 */
uint64_t upf_conn_deadline(const upf_conn *conn);
void     upf_conn_tick(upf_conn *conn, uint64_t now);

#ifdef __cplusplus
}
#endif

#endif
