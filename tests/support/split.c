/* SPDX-License-Identifier: MIT */
/* split.c - one input, cut in every way, must have one outcome. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "guard.h"
#include "split.h"

enum { CUTS_MAX = 700 }; /* a longer input is cut at this many points */

/* How one run is fed. */
struct feeding {
    size_t first;      /* bytes of the first piece */
    size_t step;       /* bytes of each further one */
    size_t write_step; /* bytes a write takes; 0: all */
    size_t slices;     /* slices a write takes; 0: many */
    bool   empty;      /* an empty input in front of each piece */
    bool   room;       /* read into upf_conn_room() where there is some */
    bool   in_front;   /* the pieces begin at an unreadable page */
};

/* Hand in one piece, in exact memory, and spoil it afterwards. */
static void give(struct session *session, const uint8_t *bytes, size_t len,
                 bool in_front)
{
    uint8_t  *memory = in_front ? guard_begin(len) : guard_end(len);
    upf_input input  = {memory, len};

    if (len > 0)
        memcpy(memory, bytes, len);
    session_input(session, &input);
    session_write(session);
    if (len > 0)
        memset(memory, 0xDD, len);
    guard_free(memory, len);
}

/* Read into the connection's own memory; returns the bytes that went there. */
static size_t give_room(struct session *session, const uint8_t *bytes,
                        size_t len)
{
    size_t   room_len = 0;
    uint8_t *room = upf_conn_room(&session->conn, &room_len);

    if (room == NULL)
        return 0;
    assert_true(room_len > 0);
    if (room_len < len)
        len = room_len;
    memcpy(room, bytes, len);

    upf_input input = {room, len};
    session_input(session, &input);
    session_write(session);
    return len;
}

static void feed(struct session *session, const struct scene *scene,
                 const struct feeding *feeding)
{
    const struct blob *bytes = &scene->bytes;
    size_t             step  = feeding->first;

    for (size_t at = 0; at < bytes->len;) {
        const size_t left = bytes->len - at;
        const size_t len  = step < left ? step : left;
        size_t       taken = 0;

        if (feeding->empty)
            give(session, NULL, 0, false);
        if (feeding->room)
            taken = give_room(session, bytes->data + at, len);
        if (taken == 0) {
            give(session, bytes->data + at, len, feeding->in_front);
            taken = len;
        }
        at += taken;
        step = feeding->step;
    }
    if (bytes->len == 0)
        give(session, NULL, 0, false);
    if (scene->eof)
        session_eof(session);
}

static void run(const struct scene *scene, const struct feeding *feeding,
                struct outcome *outcome)
{
    struct session session;

    session_prepare(&session);
    session.app        = scene->app;
    session.user       = scene->user;
    session.write_step = feeding->write_step;
    session.slices     = feeding->slices;
    if (scene->configure != NULL)
        scene->configure(&session.config);
    session_begin(&session, scene->role);
    feed(&session, scene, feeding);

    *outcome = (struct outcome){0};
    blob_text(&outcome->log, eventlog_text(&session.log));
    blob_add(&outcome->output, session.output.data, session.output.len);
    session_free(&session);
}

static void print_bytes(const char *what, const struct blob *bytes)
{
    struct blob text = {0};

    for (size_t i = 0; i < bytes->len && i < 100; i++)
        blob_printf(&text, "%02x ", bytes->data[i]);
    print_error("%s (%zu bytes): %s\n", what, bytes->len, blob_str(&text));
    blob_free(&text);
}

static void run_and_compare(const struct scene *scene,
                            const struct feeding *feeding,
                            const struct outcome *expected)
{
    struct outcome got;

    run(scene, feeding, &got);
    if (!blob_equal(&got.log, &expected->log) ||
        !blob_equal(&got.output, &expected->output)) {
        print_bytes("input", &scene->bytes);
        print_error("whole:\n%s", blob_str(&expected->log));
        print_bytes("output", &expected->output);
        print_error("first %zu, then %zu%s%s, written by %zu:\n%s",
                    feeding->first, feeding->step,
                    feeding->room ? ", into upf_conn_room()" : "",
                    feeding->in_front ? ", behind a guard page" : "",
                    feeding->write_step, blob_str(&got.log));
        print_bytes("output", &got.output);
        fail_msg("the outcome depends on how the input was cut");
    }
    outcome_free(&got);
}

void scene_run(const struct scene *scene, struct outcome *outcome)
{
    const size_t all   = scene->bytes.len > 0 ? scene->bytes.len : 1;
    const size_t every = (all + CUTS_MAX - 1) / CUTS_MAX;
    struct outcome whole;

    run(scene, &(struct feeding){.first = all, .step = all}, &whole);

    const struct feeding small[] = {
        {.first = 1, .step = 1},
        {.first = 1, .step = 1, .in_front = true, .write_step = 1},
        {.first = 1, .step = 1, .empty = true, .slices = 1},
        {.first = 1, .step = 1, .room = true},
        {.first = 3, .step = 3, .room = true},
        {.first = all, .step = all, .room = true},
        {.first = all, .step = all, .write_step = 1},
        {.first = all, .step = all, .write_step = 3, .slices = 1},
        {.first = all, .step = all, .in_front = true},
        {.first = 2, .step = 2},
        {.first = 7, .step = 7, .in_front = true},
        {.first = 15, .step = 64, .room = true, .write_step = 2},
    };
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        if (all < 20000 || small[i].step > 1)
            run_and_compare(scene, &small[i], &whole);
    for (size_t cut = 1; cut < all; cut += every) {
        struct feeding feeding = {.first = cut, .step = all};

        run_and_compare(scene, &feeding, &whole);
        feeding.in_front = true;
        run_and_compare(scene, &feeding, &whole);
        feeding.in_front = false;
        feeding.room     = true;
        run_and_compare(scene, &feeding, &whole);
    }
    if (outcome != NULL)
        *outcome = whole;
    else
        outcome_free(&whole);
}

void outcome_free(struct outcome *outcome)
{
    blob_free(&outcome->log);
    blob_free(&outcome->output);
}

void assert_same_scene(struct scene *scene, const char *log,
                       const char *frames, const char *file, int line)
{
    struct outcome outcome;
    struct blob    text = {0};

    scene_run(scene, &outcome);
    show_frames(&text, outcome.output.data, outcome.output.len,
                role_self(scene->role), 0);
    assert_same_text(blob_str(&outcome.log), log, file, line);
    assert_same_text(blob_str(&text), frames, file, line);
    blob_free(&text);
    outcome_free(&outcome);
    blob_free(&scene->bytes);
}
