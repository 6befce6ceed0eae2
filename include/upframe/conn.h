/* SPDX-License-Identifier: MIT */
/*
 * upframe/conn.h - one WebSocket connection, without its socket.
 *
 * Bytes go in, events come out: upf_conn_next(). Messages go in, bytes come
 * out: upf_send() and its kin, then upf_conn_output(). Nothing here does I/O,
 * reads a clock or calls the application, but for the allocator, the random
 * source and the trace hook that upf_config names. upframe/io.h drives a
 * connection over read and write callbacks.
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
 * old block is then untouched).
 */
typedef void *upf_alloc_fn(void *user, void *ptr, size_t old_size,
                           size_t new_size);

/*
 * Fill `out` with `len` bytes that nobody can predict; false on failure.
 * Called once per client handshake (16 bytes) and per masked frame (4).
 */
typedef bool upf_random_fn(void *user, void *out, size_t len);

/* Called for each frame header, read (`sent` false) or queued (true). */
typedef void upf_trace_fn(void *user, const upf_conn *conn, bool sent,
                          const upf_frame_header *header);

/* Which output makes a connection read no further, once more than high_water
 * bytes of it wait. */
typedef enum upf_pause {
    UPF_PAUSE_BY_ROLE = 0, /* a server: its replies; a client: none */
    UPF_PAUSE_REPLIES,     /* replies: see upf_conn_wants() */
    UPF_PAUSE_ALWAYS,      /* all output, replies or not */
    UPF_PAUSE_NEVER        /* none: max_queued is the only bound */
} upf_pause;

/*
 * What connections share. Take upf_config_default() and change what differs;
 * the struct must outlive its connections and not change under them. Limits
 * are inclusive, and 0 is not "no limit" but refused (but for max_body).
 */
typedef struct upf_config {
    /* What a peer may send */
    uint64_t max_message;   /* bytes, after extensions: 16 MiB */
    uint64_t max_frame;     /* bytes of payload: 16 MiB */
    uint32_t max_fragments; /* frames of one message: 100,000 */
    uint32_t max_head;      /* bytes of a handshake's head: 16 KiB */
    uint32_t max_head_line; /* bytes of one of its lines: 8 KiB */
    uint16_t max_head_lines; /* header lines: 100 */
    uint32_t max_body; /* client: bytes of the body that comes with a status
                          other than 101: 4 KiB; 0: it is not read */

    /* What may wait for the transport */
    size_t max_queued; /* bytes, over which a send is refused: 32 MiB */
    size_t high_water; /* bytes, over which reading pauses: 1 MiB */
    upf_pause pause_reading; /* of which bytes: UPF_PAUSE_BY_ROLE */

    /* Milliseconds; 0 switches one off. See upf_conn_tick(). */
    uint32_t handshake_timeout; /* 10 s */
    uint32_t ping_interval;     /* silence after which we ping: 30 s, known to
                                   a tenth */
    uint32_t pong_timeout;      /* silence after the ping left, then fail: 20 s;
                                   also, if neither is 0: output of which no
                                   byte is written for both together, from
                                   when it is noted: within a tenth of
                                   ping_interval */
    uint32_t close_timeout;     /* from the Close to the transport's end: 5 s */

    /* Behaviour */
    bool stream;          /* CHUNK events as bytes come, no MESSAGE */
    bool allow_unmasked;  /* server: accept frames without a mask */
    bool trust_sent_text; /* do not check the UTF-8 of text we send */

    /* Handshake: NULL-terminated lists, or NULL */
    const char *const    *subprotocols; /* ours, the preferred one first */
    const char *const    *origins;      /* as in upf_origin_allowed() */
    const struct upf_ext *ext;          /* an extension to negotiate */

    /* Seams; the first two are never NULL */
    upf_alloc_fn  *alloc; /* realloc and free */
    void          *alloc_user;
    upf_random_fn *random; /* the operating system's generator */
    void          *random_user;
    upf_trace_fn  *trace; /* none */
    void          *trace_user;
} upf_config;

upf_config upf_config_default(void);

/*
 * What is wrong with `config`, for who wrote it: a sentence that begins with
 * the field's name, static; or NULL, if nothing is (as with `config` NULL, the
 * defaults). In this order:
 *
 *   what no connection can begin with: UPF_ERR_ARGUMENT
 *     a limit of 0 (the times and max_body may be 0); a pause_reading that is
 *     none; no alloc, no random; a subprotocol that is no token
 *   what is taken, but cannot be meant
 *     a subprotocol twice (by a server; a client's connection does not begin);
 *     limits of a head that no handshake fits in; high_water over max_queued;
 *     an origin that no browser sends: without a scheme, with a path (be it a
 *     slash), a wildcard, a port over 65,535, or other letters than ASCII
 *
 * Call it once, when the program starts; nothing else does.
 */
const char *upf_config_check(const upf_config *config);

/* ---- The connection --------------------------------------------------- */

/*
 * A upf_conn is caller-owned: embed it where you like. It holds heap only while
 * it is busy (a message in pieces, output that waits), and no pointer to itself,
 * so it may be moved. Its fields are private; upframe/private.h has them.
 */

/*
 * Begin a connection. The struct's old content is not looked at.
 *
 *   config   NULL for the defaults
 *
 * init_server    awaits a client's handshake
 * init_client    queues the request; awaits the server's response. `request`
 *                and its strings are used during the call only.
 * init_open      starts open: the handshake was done elsewhere (an HTTP stack,
 *                RFC 8441, RFC 9220). Bytes read behind it are the first
 *                input. `subprotocol` is what OPEN reports, and must live
 *                until then; may be NULL.
 *
 * Returns UPF_OK, or, with the connection unusable but safe to free,
 *   UPF_ERR_ARGUMENT   the config: upf_config_check() says what is wrong; or a
 *                      malformed subprotocol or header: CR, LF, NUL or a
 *                      non-token would be injected (upf_header_fault())
 *   UPF_ERR_URL        client: see upf_url_parse(); also if there is none
 *   UPF_ERR_RANDOM, UPF_ERR_NO_MEMORY   client
 */
upf_status upf_conn_init_server(upf_conn *conn, const upf_config *config);
upf_status upf_conn_init_client(upf_conn *conn, const upf_config *config,
                                const upf_client_request *request);
upf_status upf_conn_init_open(upf_conn *conn, const upf_config *config,
                              bool is_client, const char *subprotocol);

/*
 * Give back all that the connection holds, at any time, without a word to the
 * peer (see upf_close() for that). Slices and events of it are void. Every
 * later call is safe: upf_conn_next() returns UPF_DONE, sends UPF_ERR_STATE.
 */
void upf_conn_free(upf_conn *conn);

/* ---- Bytes in, events out --------------------------------------------- */

/*
 * The events of a connection form this grammar, whatever the peer does:
 *
 *   REQUEST? (OPEN (MESSAGE | CHUNK | PING | PONG)*)? CLOSE
 *
 * then UPF_DONE for ever. REQUEST comes to servers only. One CLOSE ends each
 * connection that was begun: closed, failed, timed out, refused or cut off.
 */
typedef enum upf_event_type {
    UPF_EVENT_REQUEST = 1, /* a request: .request, .status */
    UPF_EVENT_OPEN,        /* the handshake is done: .subprotocol, .response */
    UPF_EVENT_MESSAGE,     /* a whole message: .opcode, .data, .len */
    UPF_EVENT_CHUNK,       /* a piece of one: likewise, and .first, .last */
    UPF_EVENT_PING,        /* .data, .len; the pong is queued already */
    UPF_EVENT_PONG,        /* .data, .len */
    UPF_EVENT_CLOSE        /* the end: .close, .status, reason in .data */
} upf_event_type;

typedef struct upf_close_info {
    int      code;      /* the peer's; 1005: Close without one; 1006: none */
    int      sent_code; /* ours; 1005: Close without one; 0: none was sent */
    bool     clean;     /* both sides sent a Close */
    uint64_t offset;    /* of the first offending byte in the peer's stream */
} upf_close_info;

/* Only what upf_event_type names is meaningful; the rest is unspecified. */
typedef struct upf_event {
    upf_event_type type;
    upf_opcode     opcode; /* UPF_OP_TEXT or UPF_OP_BINARY */
    bool           first;  /* CHUNK: begins its message */
    bool           last;   /* CHUNK: ends its message; it may be empty */
    uint8_t       *data;   /* payload, unmasked; the caller may write to it */
    size_t         len;
    upf_status     status; /* REQUEST, CLOSE: UPF_OK, or what is wrong */
    upf_request    request;
    upf_response   response; /* client: OPEN, and CLOSE if one arrived (its
                                status is 0 otherwise) */
    upf_str        subprotocol; /* the one agreed on; data NULL if none */
    upf_close_info close;
} upf_event;

/*
 * A client whose server, or a proxy on the way, answers with another status
 * than 101 gets CLOSE with UPF_ERR_RESPONSE, and in event->response what could
 * be read: the status; the reason and those header lines that are sound and
 * within the max_head* limits (bad ones are left out, and a field that is
 * folded into two lines is left out whole; lines may end with LF alone); the
 * body, without its chunked coding, up to max_body. CLOSE comes with the last
 * byte of the body, with that limit, after max_head + max_body bytes in all, at
 * the end of the stream or after handshake_timeout, whichever is first. What
 * cannot become the status line of an HTTP/1 response is UPF_ERR_HTTP at the
 * first byte that shows it (another version's number: UPF_ERR_HTTP_VERSION),
 * and a 101 is judged to the letter.
 */

/* A cursor over bytes that were read. The engine unmasks in place. */
typedef struct upf_input {
    uint8_t *data;
    size_t   len;
} upf_input;

/*
 * Take bytes from `input` until there is an event.
 *
 *   input  its cursor moves over what was taken. Bytes that were not taken
 *          must be handed in again, first, by the next call.
 *   event  written on UPF_OK only. event->data and the slices lie in the
 *          input's memory or the connection's: valid until the next call of
 *          upf_conn_next() or upf_conn_free(), or a change of the input's
 *          memory, whichever is first.
 *
 * Returns
 *   UPF_OK           one event; call again, there may be more
 *   UPF_WANT_READ    all input is taken: hand in more (or upf_conn_eof())
 *   UPF_WANT_ANSWER  the request was deferred and is not answered yet; no
 *                    input was taken
 *   UPF_DONE         CLOSE was delivered; input is left alone
 *
 * Pings are answered, Closes are replied to and failures are told to the
 * peer by queueing output: write it whenever this returns anything but UPF_OK.
 */
upf_status upf_conn_next(upf_conn *conn, upf_input *input, upf_event *event);

/*
 * Where the next bytes belong, so that a large payload is read in place: NULL
 * if it does not matter, else the start of *len writable bytes. After a read
 * into it, hand the same address to upf_conn_next(). Valid until the next call
 * of that, or of upf_conn_free(): so a read into it may be under way meanwhile.
 * The memory for a message that arrives in pieces is at most twice what was
 * received of it and 4 KiB, and at most what its header declares (max_message,
 * if it comes in fragments); while it moves, the old block is there, too.
 */
uint8_t *upf_conn_room(upf_conn *conn, size_t *len);

/*
 * The transport's read side has ended, or the transport has failed. The next
 * upf_conn_next() delivers CLOSE, if it was not delivered yet. After
 * upf_conn_lost() nothing more is to be written.
 */
void upf_conn_eof(upf_conn *conn);
void upf_conn_lost(upf_conn *conn);

/* ---- Answering a request (server) ------------------------------------- */

/*
 * On a REQUEST event the server may answer; if it does not, the next call of
 * upf_conn_next() answers for it: accepted if event->status is UPF_OK, with
 * the first of config->subprotocols that the client offers; refused with
 * upf_status_http() otherwise (UPF_ERR_ORIGIN and UPF_ERR_ORIGIN_REPEATED 403,
 * UPF_ERR_NOT_UPGRADE and UPF_ERR_UPGRADE_STRIPPED 426).
 *
 * upf_accept   queues the 101. Also where status says 403.
 *   subprotocol  one that the client offered, or NULL; it must live until
 *                OPEN was delivered
 *   headers      further ones, Set-Cookie for instance
 * upf_refuse   queues a whole response of `http_status` (200 to 599: a page
 *              for a request that is not a WebSocket's is a refusal, too),
 *              with Connection: close and Content-Length added; CLOSE with
 *              UPF_ERR_REFUSED follows. `body` may be NULL if `body_len` is 0.
 * upf_defer    puts the answer off: upf_conn_next() returns UPF_WANT_ANSWER
 *              until one of the two above was called. The request is kept;
 *              upf_conn_request() reads it again.
 *
 * Return UPF_OK, or one of these, with nothing queued and the request still
 * unanswered. If it was to be refused or deferred, the default answer is a 503
 * from then on.
 *   UPF_ERR_STATE      there is no request to answer, or none that may be
 *                      accepted
 *   UPF_ERR_ARGUMENT   a subprotocol that was not offered; a header that is
 *                      malformed or that this library writes itself
 *                      (Connection, Upgrade, Content-Length,
 *                      Transfer-Encoding, Sec-WebSocket-*):
 *                      upf_header_fault() says why; http_status
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
 * strings are valid as the event's are; if it was deferred, until the
 * upf_conn_next() that follows the answer, or upf_conn_free().
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
 * upf_send_part   one fragment; `opcode` counts on the first one of a message,
 *                 `fin` ends it. Code points may be cut between parts. Only
 *                 control frames go out between the parts.
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
 * Like upf_send(), without a copy where that can be (a server, no extension,
 * no config->stream): the frame header is written in front of `data` and both
 * leave from there.
 *
 *   data  the payload of the MESSAGE at hand, or the start of it; or memory
 *         with UPF_FRAME_HEADER_MAX bytes to overwrite in front of `data`
 *         (of nothing, `len` 0, none are needed, and `data` may be NULL).
 *         The library may move it towards the front: its content is void.
 *         An event's payload is then to be left alone until the next event.
 *         The caller's own memory, and the input's, is borrowed: until
 *         upf_conn_output_done() has returned, or upf_conn_output_keep() if it
 *         was not offered before.
 */
upf_status upf_send_in_place(upf_conn *conn, upf_opcode opcode, void *data,
                             size_t len);

/*
 * A message that is encoded once and sent by reference on many connections
 * (servers: a client's frames are masked each with its own key).
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
 * wait already. UPF_ERR_ARGUMENT: over 125 bytes. Otherwise as upf_send(), but
 * allowed between parts.
 */
upf_status upf_ping(upf_conn *conn, const void *data, size_t len);
upf_status upf_pong(upf_conn *conn, const void *data, size_t len);

/*
 * Begin the closing handshake: queue a Close behind what is queued. Messages
 * of the peer are still delivered until its Close arrives.
 *
 *   code    1000 to 1003, 1007 to 1014, 3000 to 4999 (1010: clients only), or
 *           0 for a Close without code and reason
 *   reason  NULL or UTF-8, at most 123 bytes, NUL-terminated
 *
 * Before OPEN it refuses (a server answers 503) or gives up the handshake.
 *
 * Returns UPF_OK; UPF_ERR_STATE if a Close was sent already or the connection
 * is over; UPF_ERR_ARGUMENT; UPF_ERR_NO_MEMORY; UPF_ERR_RANDOM.
 */
upf_status upf_close(upf_conn *conn, int code, const char *reason);

/*
 * The bytes to write now, in order: at most `max` slices. Returns their count.
 * They stay where they are, and as they are, through every call but
 * upf_conn_output_done(), upf_conn_lost() and upf_conn_free(): so a write may
 * be under way while messages are sent and received. A second call offers the
 * same bytes again, with what was queued after them: from the same place,
 * unless upf_conn_output_keep() has copied them. What was not written is
 * offered again after upf_conn_output_done(), perhaps from elsewhere; a slice
 * of which nothing was written comes again at least as long.
 */
size_t upf_conn_output(upf_conn *conn, upf_slice *slices, size_t max);

/*
 * End all borrowing: what waits in memory that is not ours is copied. For who
 * leaves a write pending, or uses the input's memory again, before the output
 * was written (completion I/O: io_uring, IOCP, libuv). Call it before
 * upf_conn_output(): slices that were offered before still lie in the caller's
 * memory until upf_conn_output_done().
 *
 * Returns UPF_OK, or UPF_ERR_NO_MEMORY: the connection has then failed, as
 * CLOSE will say.
 */
upf_status upf_conn_output_keep(upf_conn *conn);

/*
 * `written` bytes of those slices were written; 0 or negative: none (as when
 * writev says EAGAIN). Slices that were offered are void; borrowed memory is
 * free again: what was not written of it has been copied.
 *
 * Returns UPF_OK; UPF_ERR_NO_MEMORY, if that copy or a pong that was put off
 * failed, or UPF_ERR_RANDOM: the connection has then failed, as CLOSE will say.
 */
upf_status upf_conn_output_done(upf_conn *conn, ptrdiff_t written);

/* ---- What the event loop asks ----------------------------------------- */

#define UPF_WANTS_READ     1u /* hand in bytes */
#define UPF_WANTS_WRITE    2u /* write the output */
#define UPF_WANTS_SHUTDOWN 4u /* shut the write side down, keep reading and
                                 dropping until the end (RFC 6455, 7.1.1) */
#define UPF_WANTS_CLOSE    8u /* close the transport */

/*
 * What the connection wants of its transport now, as UPF_WANTS_ bits.
 *
 * A server withholds READ while more than config->high_water bytes of replies
 * wait (until half of that is left), so that a peer that sends but does not
 * read is slowed down. A reply is what is queued from the moment
 * upf_conn_next() returns a MESSAGE, CHUNK or PING, its pong included, until it
 * next returns anything but UPF_OK. All else is sent unasked, and is no reason
 * not to read: two ends that each wait for the other to read would wait for
 * ever. So a client always reads, and what is sent unasked is bounded by
 * config->max_queued. config->pause_reading chooses another rule. (Where both
 * sorts share a block of up to 24 KiB, the replies in it count as the last to
 * leave.)
 *
 * After CLOSE was delivered it leads the transport to its end: WRITE, then
 * SHUTDOWN (a failed or server connection) or READ (a client awaits the
 * server), then CLOSE at the end of stream or after config->close_timeout.
 */
unsigned upf_conn_wants(const upf_conn *conn);

/*
 * Hold reading, or go on: while held, READ is withheld whatever waits, for an
 * application that cannot take more now, or whose answers come later. What was
 * handed in is delivered all the same. A silence that is ours is not the
 * peer's. Go on before upf_close(): the peer's Close has to be read, or
 * close_timeout ends the wait for it. After CLOSE it has no effect.
 */
void upf_conn_hold(upf_conn *conn, bool hold);

/* Bytes that are queued and not written. */
size_t upf_conn_queued(const upf_conn *conn);

/* More than config->high_water is queued, and it has not yet halved. */
bool upf_conn_congested(const upf_conn *conn);

/* Between OPEN and the first Close of either side. */
bool upf_conn_is_open(const upf_conn *conn);

/*
 * Time, in milliseconds of any clock that does not jump.
 *
 * upf_conn_deadline  when upf_conn_tick() should be called next; 0: now;
 *                    UINT64_MAX: no need, since what is waited for has no
 *                    time-out. Otherwise it is 0 where a new wait begins (at
 *                    first, at REQUEST, after OPEN, once a Close is queued, or
 *                    after CLOSE if none was), and while OPEN or CLOSE waits to
 *                    be delivered. After upf_conn_eof() call upf_conn_next():
 *                    the deadline does not say so.
 * upf_conn_tick      time-outs of handshake and close; keepalive pings, and
 *                    failure without an answer to them; failure if the peer
 *                    takes no byte of what waits. `now` is not 0. Call it at
 *                    the deadline, or more often, then upf_conn_next(): a
 *                    time-out is a CLOSE event.
 *
 * Nobody tells the time when bytes come: the tick behind them does. So while
 * bytes came since the last one, or output waits, the deadline is a tenth of
 * ping_interval after the time that is known; it has come when a ping waits,
 * and when that has left, as its answer's time begins then. Ask after each turn
 * or tick all connections every tenth of ping_interval, and of pong_timeout if
 * that is shorter; those that are idle are ticked once an interval. Read what has
 * arrived before a tick: a process that stood still would take its own sleep for
 * the peer's silence. (A tick that comes late by more than a tenth of the time-out
 * therefore asks once more, and gives output that waits another pong_timeout.)
 */
uint64_t upf_conn_deadline(const upf_conn *conn);
void     upf_conn_tick(upf_conn *conn, uint64_t now);

#ifdef __cplusplus
}
#endif

#endif
