/* SPDX-License-Identifier: MIT */
/* session.h - one connection under test, with all that surrounds it. */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

#include "blob.h"
#include "eventlog.h"
#include "fakes.h"
#include "frames.h"

/* What the connection under test is; the last two start open. */
enum role { SERVER, CLIENT, OPEN_SERVER, OPEN_CLIENT };

bool role_is_client(enum role role);

/* Who sends what it reads, and what it writes. */
enum sender role_peer(enum role role);
enum sender role_self(enum role role);

struct session;

/* The application: called for each event. */
typedef void app_fn(struct session *session, const upf_event *event);

/*
 * Prepare it, change config, app and so on, start it, give it bytes; then
 * look at its log and its output, and end it.
 */
struct session {
    upf_conn           conn;
    upf_config         config; /* the defaults, over the fakes below */
    upf_client_request request;
    enum role          role;
    struct fake_alloc  alloc;
    struct fake_random random;
    struct eventlog    log;
    struct blob        output; /* all that was written */
    struct blob        unread; /* input that was not taken */
    app_fn            *app;    /* NULL ignores all events */
    void              *user;
    size_t             write_step; /* bytes a write takes; 0: all */
    size_t             slices;     /* slices a write takes; 0: 64 */
    bool               hold;       /* write nothing */
    bool               in_steps;   /* nothing is taken at one glance */
    upf_status         last;       /* what upf_conn_next() said */
};

void session_prepare(struct session *session);

/* Begin, which may fail, or must succeed; `session_start` prepares as well. */
upf_status session_try(struct session *session, enum role role);
void session_begin(struct session *session, enum role role);
void session_start(struct session *session, enum role role);

/*
 * Hand in bytes, behind those that were not taken before; deliver all events;
 * write all output. The bytes lie in memory that ends at an unreadable page,
 * and are overwritten afterwards.
 */
void session_give(struct session *session, const void *bytes, size_t len);
void session_give_blob(struct session *session, const struct blob *bytes);

/* The same with bytes where they lie, and nothing is written. */
void session_input(struct session *session, upf_input *input);

/* Write all output, or as `hold` and `write_step` say. */
void session_write(struct session *session);

/* The stream ends; deliver what that brings. */
void session_eof(struct session *session);

/* Let the clock say `now`; deliver what that brings; write. */
void session_tick(struct session *session, uint64_t now);

/*
 * Free the connection; the test fails if it keeps memory, or if a call
 * afterwards does anything. The log and the output stay for session_free().
 */
void session_end(struct session *session);
void session_free(struct session *session);

/* Applications. */
app_fn app_echo;          /* upf_send() of each message and chunk */
app_fn app_echo_in_place; /* upf_send_in_place() */
app_fn app_echo_parts;    /* upf_send_part(): each chunk, each byte of else */

/* Log of the whole run and the frames that were written, compared. */
#define assert_log(session, expected) \
    assert_same_text(eventlog_text(&(session)->log), expected, __FILE__, \
                     __LINE__)
#define assert_sent(session, expected) \
    assert_same_frames(&(session)->output, role_self((session)->role), \
                       expected, __FILE__, __LINE__)

/* cmocka's own compares 64-bit patterns: a status is shown by name. */
#define assert_status(got, expected) \
    assert_same_text(upf_status_name(got), upf_status_name(expected), \
                     __FILE__, __LINE__)

#endif
