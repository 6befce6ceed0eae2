/* SPDX-License-Identifier: MIT */
/* test_output_bound.c - the heap that output holds, for the worst pattern. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/session.h"

/*
 * Between two calls, output holds at most twice the bytes that were queued at
 * once since it was last empty, and so much more: 24 KiB of a block that
 * expects a turn like the last one, 4 KiB of a queue and a late pong.
 *
 * All other heap of a connection is its assembly. It is looked at only where
 * the assembly is empty, as it is when the input is used up between two
 * messages, and while the message at hand lies in the caller's input. A shared
 * frame is the connection's alone, and counts.
 */
enum { BESIDE = 28 * 1024 };

/* ---- Patterns ----------------------------------------------------------- */

enum kind {
    SEND,      /* upf_send() */
    PARTS,     /* upf_send_part(), twice */
    IN_PLACE,  /* replies to messages that lie whole in one input */
    ASSEMBLED, /* a reply to a message that came in two */
    SHARED,    /* upf_send_shared() */
    PINGED,    /* a ping of the peer's */
    PING_IT,   /* upf_ping() */
    DRAIN,     /* upf_conn_output() and _done() */
    NOT_NOW,   /* a write of nothing */
    KINDS
};

static const char *const kind_names[KINDS] = {
    "send", "parts", "in place", "assembled", "shared", "pinged", "ping it",
    "drain", "not now",
};

static const size_t message_sizes[] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100, 200, 256, 257, 300, 400, 1000, 4096,
    5000, 16384, 70000,
};
static const size_t assembled_sizes[] = {
    4097, 4098, 5000, 8192, 10000, 16384, 40000, 65536, 100000,
};
static const size_t shared_sizes[] = {
    0, 1, 10, 40, 61, 62, 64, 100, 125, 126, 200, 256, 300, 1000, 5000,
};
static const size_t ping_sizes[] = {0, 1, 10, 64, 125};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Numbers as they are drawn; what is over a table's end begins it again. */
struct step {
    uint8_t kind;
    uint8_t size; /* which size */
    uint8_t how;  /* IN_PLACE: messages in one input; and as below */
};

/* A reply that is a sixteenth of its message: the start of it, or the end. */
static bool is_short_reply(struct step step) { return (step.how & 4) != 0; }
static bool is_at_the_end(struct step step)  { return (step.how & 8) != 0; }

enum { STEPS_MAX = 12 };

struct pattern { /* what is repeated until much is queued */
    enum role   role;
    bool        stream;
    size_t      count;
    struct step steps[STEPS_MAX];
};

static size_t size_of(struct step step)
{
    switch ((enum kind)step.kind) {
    case ASSEMBLED:
        return assembled_sizes[step.size % LENGTH(assembled_sizes)];
    case SHARED:
        return shared_sizes[step.size % LENGTH(shared_sizes)];
    case PINGED:
    case PING_IT:
        return ping_sizes[step.size % LENGTH(ping_sizes)];
    default:
        return message_sizes[step.size % LENGTH(message_sizes)];
    }
}

static void print_pattern(const struct pattern *pattern)
{
    print_error("%s%s:\n",
                role_is_client(pattern->role) ? "client" : "server",
                pattern->stream ? ", streaming" : "");
    for (size_t i = 0; i < pattern->count; i++)
        print_error("    %s %zu (%u)\n", kind_names[pattern->steps[i].kind],
                    size_of(pattern->steps[i]), pattern->steps[i].how);
}

/* ---- One run ------------------------------------------------------------ */

enum { INPUTS = 512 };

struct run {
    struct session session;
    struct blob    inputs[INPUTS]; /* borrowed until the next output_done */
    size_t         input_count;
    struct step    step;
    bool           assembly_is_empty;
    size_t         most;  /* queued at once since it was empty */
    long long      worst; /* heap over twice that */
    size_t         moved; /* bytes, so that no run is long */
};

static uint8_t filler[70000];

static void look(struct run *run)
{
    const size_t queued = upf_conn_queued(&run->session.conn);

    if (queued == 0)
        run->most = 0;
    else if (queued > run->most)
        run->most = queued;
    if (!run->assembly_is_empty)
        return;
    const long long over = (long long)run->session.alloc.live -
                           2 * (long long)run->most;
    if (over > run->worst)
        run->worst = over;
}

static void reply(struct session *session, const upf_event *event)
{
    struct run  *run = session->user;
    const size_t len =
        is_short_reply(run->step) ? event->len / 16 : event->len;
    const size_t at  = is_at_the_end(run->step) ? event->len - len : 0;

    if (event->type == UPF_EVENT_MESSAGE || event->type == UPF_EVENT_CHUNK)
        assert_status(upf_send_in_place(&session->conn, event->opcode,
                                        event->data + at, len), UPF_OK);
    look(run);
}

static void drop_inputs(struct run *run)
{
    while (run->input_count > 0)
        blob_free(&run->inputs[--run->input_count]);
}

static void done(struct run *run, size_t written)
{
    assert_status(upf_conn_output_done(&run->session.conn,
                                       (ptrdiff_t)written), UPF_OK);
    drop_inputs(run);
    look(run);
}

/* The rest of the newest input from `at` on, up to `end`. */
static void take(struct run *run, size_t at, size_t end, bool last)
{
    upf_input input = {run->inputs[run->input_count - 1].data + at, end - at};

    run->assembly_is_empty = last && run->step.kind != ASSEMBLED;
    session_input(&run->session, &input);
    run->assembly_is_empty = last;
    look(run);
}

static void receive(struct run *run, unsigned opcode, size_t count,
                    bool in_two)
{
    if (run->input_count == INPUTS)
        done(run, 0);
    struct blob *bytes = &run->inputs[run->input_count++];

    *bytes = (struct blob){0};
    for (size_t i = 0; i < count; i++)
        put_run(bytes, role_peer(run->session.role), FIN | opcode, 'r',
                size_of(run->step));
    run->moved += bytes->len;
    if (in_two)
        take(run, 0, bytes->len / 2, false);
    take(run, in_two ? bytes->len / 2 : 0, bytes->len, true);
}

static void send_shared(struct run *run, size_t len)
{
    upf_shared *shared = upf_shared_new(&run->session.config, UPF_OP_BINARY,
                                        filler, len);

    assert_non_null(shared);
    assert_status(upf_send_shared(&run->session.conn, shared),
                  role_is_client(run->session.role) ? UPF_ERR_STATE : UPF_OK);
    upf_shared_free(shared);
}

static void drain(struct run *run)
{
    upf_slice    slices[16];
    const size_t count = upf_conn_output(&run->session.conn, slices,
                                         1 + run->step.size % 16);
    size_t       all   = 0;

    for (size_t i = 0; i < count; i++)
        all += slices[i].len;
    const size_t amounts[] = {all, 1, all / 2, all - (all > 3 ? 3 : 0),
                              all - (all > 0), all / 10};
    const size_t amount = amounts[run->step.how % LENGTH(amounts)];
    done(run, amount < all ? amount : all);
}

static void take_step(struct run *run)
{
    upf_conn    *conn = &run->session.conn;
    const size_t len  = size_of(run->step);

    run->moved += len;
    switch ((enum kind)run->step.kind) {
    case SEND:
        assert_status(upf_send(conn, UPF_OP_BINARY, filler, len), UPF_OK);
        break;
    case PARTS:
        assert_status(upf_send_part(conn, UPF_OP_BINARY, filler, len, false),
                      UPF_OK);
        look(run);
        assert_status(upf_send_part(conn, UPF_OP_BINARY, filler, len / 2,
                                    true), UPF_OK);
        break;
    case IN_PLACE:
        receive(run, BINARY, 1 + run->step.how % 4, false);
        break;
    case ASSEMBLED:
        receive(run, BINARY, 1, true);
        break;
    case SHARED:
        send_shared(run, len);
        break;
    case PINGED:
        receive(run, PING, 1, false);
        break;
    case PING_IT:
        (void)upf_ping(conn, filler, len);
        break;
    case DRAIN:
        drain(run);
        break;
    case NOT_NOW:
        done(run, 0);
        break;
    case KINDS:
        break;
    }
    look(run);
}

/* Repeat the pattern until `full` bytes are queued, or it never will be. The
 * most that the heap was over twice what was queued. */
static long long run_pattern(const struct pattern *pattern, size_t full)
{
    struct run run = {.assembly_is_empty = true};
    upf_conn  *conn = &run.session.conn;

    session_prepare(&run.session);
    run.session.config.stream = pattern->stream;
    run.session.app  = reply;
    run.session.user = &run;
    session_begin(&run.session, pattern->role);
    session_give(&run.session, NULL, 0);
    for (size_t i = 0; i < full / 10 && run.moved < 4 * full &&
                       upf_conn_queued(conn) < full; i++) {
        run.step = pattern->steps[i % pattern->count];
        take_step(&run);
    }
    run.step = (struct step){DRAIN, 15, 0};
    while (upf_conn_queued(conn) > 0)
        drain(&run);
    assert_int_equal(run.session.alloc.live, 0);
    drop_inputs(&run);
    session_free(&run.session);
    return run.worst;
}

static void check(const struct pattern *pattern, size_t full)
{
    const long long over = run_pattern(pattern, full);

    if (over > BESIDE) {
        print_pattern(pattern);
        fail_msg("output held %lld bytes over twice what was queued", over);
    }
}

/* ---- Patterns that are known -------------------------------------------- */

enum { MUCH = 1024 * 1024, SOME = 128 * 1024 };

/* The step of this kind and size. */
static struct step a(enum kind kind, size_t size, uint8_t how)
{
    struct step step = {(uint8_t)kind, 0, how};

    while (size_of(step) != size) {
        assert_true(step.size < UINT8_MAX);
        step.size++;
    }
    return step;
}

static void long_and_short_replies_in_turn_hold_twice_their_bytes(void **state)
{
    (void)state;
    static const size_t sizes[] = {257, 300, 400, 1000, 4096, 5000};

    for (size_t i = 0; i < LENGTH(sizes); i++)
        for (int in_turn = 0; in_turn < 2; in_turn++) {
            struct pattern pattern = {
                .role = OPEN_SERVER, .count = 4,
                .steps = {a(IN_PLACE, sizes[i], 0), a(NOT_NOW, 0, 0),
                          a(in_turn ? SEND : IN_PLACE, 1, 0),
                          a(NOT_NOW, 0, 0)}};
            check(&pattern, MUCH);
        }
}

static void shared_frames_among_others_hold_twice_their_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(shared_sizes); i++)
        for (size_t k = 0; k < 11; k++) {
            struct pattern pattern = {
                .role = OPEN_SERVER, .count = 2,
                .steps = {{SHARED, (uint8_t)i, 0}, a(SEND, k, 0)}};
            check(&pattern, SOME);
            pattern.count = 1;
            check(&pattern, SOME);
        }
}

static void a_block_is_not_kept_for_a_short_reply(void **state)
{
    (void)state;
    static const uint8_t hows[] = {0, 4, 4 + 8};

    for (size_t i = 0; i < LENGTH(assembled_sizes); i++)
        for (size_t k = 0; k < LENGTH(hows); k++) {
            struct pattern pattern = {
                .role = OPEN_SERVER, .count = 1,
                .steps = {{ASSEMBLED, (uint8_t)i, hows[k]}}};
            check(&pattern, MUCH);
        }
}

static void control_frames_hold_twice_their_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(ping_sizes); i++)
        for (int client = 0; client < 2; client++) {
            struct pattern pattern = {
                .role = client ? OPEN_CLIENT : OPEN_SERVER, .count = 2,
                .steps = {{PINGED, (uint8_t)i, 0}, {PING_IT, (uint8_t)i, 0}}};
            check(&pattern, SOME);
        }
}

/* What is written leaves room at the front of a block, and of the queue. */
static void what_drains_bit_by_bit_holds_twice_the_most(void **state)
{
    (void)state;
    for (size_t kind = SEND; kind <= SHARED; kind++)
        for (uint8_t size = 0; size < LENGTH(message_sizes); size++)
            for (uint8_t how = 1; how < 6; how++) {
                struct pattern pattern = {
                    .role = OPEN_SERVER, .count = 3,
                    .steps = {{(uint8_t)kind, size, 0}, a(SEND, 1, 0),
                              {DRAIN, 15, how}}};
                check(&pattern, SOME / 4);
            }
}

/* A short turn after one of many small frames, as much as which a block then
 * expects. */
static void what_is_expected_is_within_the_bound(void **state)
{
    (void)state;
    static const uint8_t zeros[256];
    static const size_t  counts[] = {10, 50, 100, 150, 300, 1000};
    struct session session;

    session_start(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    for (size_t size = 1; size <= sizeof zeros; size += 51)
        for (size_t i = 0; i < LENGTH(counts); i++) {
            for (size_t k = 0; k < counts[i]; k++)
                assert_status(upf_send(&session.conn, UPF_OP_BINARY, zeros,
                                       size), UPF_OK);
            session_write(&session);
            assert_status(upf_send(&session.conn, UPF_OP_BINARY, zeros, 1),
                          UPF_OK);
            assert_true(session.alloc.live <=
                        2 * upf_conn_queued(&session.conn) + BESIDE);
            session_write(&session);
            assert_int_equal(session.alloc.live, 0);
        }
    session_free(&session);
}

/* A queue that never runs empty goes on from block to block, and keeps none for
 * what may come. */
static void a_large_block_goes_with_its_last_byte(void **state)
{
    (void)state;
    enum { SIZE = 60000 };
    static const uint8_t zeros[SIZE];
    struct session session;

    session_start(&session, OPEN_SERVER);
    session_give(&session, NULL, 0);
    for (int i = 0; i < 4; i++) {
        assert_status(upf_send(&session.conn, UPF_OP_BINARY, zeros, SIZE),
                      UPF_OK);
        const size_t most = upf_conn_queued(&session.conn);

        assert_true(session.alloc.live <= 2 * most + BESIDE);
        while (upf_conn_queued(&session.conn) > 1) {
            upf_slice slice;

            assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
            const size_t all_but_one = upf_conn_queued(&session.conn) - 1;
            const size_t len =
                slice.len < all_but_one ? slice.len : all_but_one;
            assert_status(upf_conn_output_done(&session.conn, (ptrdiff_t)len),
                          UPF_OK);
        }
    }
    session_free(&session);
}

/* ---- The search for the worst ------------------------------------------- */

enum { CLIMBS = 24, TRIES = 24 };

static uint8_t byte(struct fake_random *random)
{
    return (uint8_t)fake_choice(random, 256);
}

static struct step any_step(struct fake_random *random)
{
    return (struct step){(uint8_t)fake_choice(random, KINDS), byte(random),
                         byte(random)};
}

static void change(struct pattern *pattern, struct fake_random *random)
{
    const size_t at = fake_choice(random, pattern->count);

    switch (fake_choice(random, 6)) {
    case 0: /* one more */
        if (pattern->count < STEPS_MAX)
            pattern->steps[pattern->count++] = any_step(random);
        break;
    case 1: /* one less */
        if (pattern->count > 1)
            pattern->steps[at] = pattern->steps[--pattern->count];
        break;
    case 2:
        pattern->steps[at].size = byte(random);
        break;
    case 3:
        pattern->steps[at].how = byte(random);
        break;
    case 4:
        pattern->stream = fake_choice(random, 8) == 0;
        pattern->role   = fake_choice(random, 4) == 0 ? OPEN_CLIENT
                                                      : OPEN_SERVER;
        break;
    default:
        pattern->steps[at] = any_step(random);
        break;
    }
}

static void no_pattern_holds_more_than_twice_its_bytes(void **state)
{
    (void)state;
    struct fake_random random = {.state = 1};
    struct pattern     worst = {.count = 0};
    long long          most  = 0;

    for (int climb = 0; climb < CLIMBS; climb++) {
        struct pattern best = {.role = OPEN_SERVER};
        long long      held = 0;

        best.count = 1 + fake_choice(&random, 6);
        for (size_t i = 0; i < best.count; i++)
            best.steps[i] = any_step(&random);
        for (int i = 0; i < TRIES; i++) {
            struct pattern  next = best;
            for (size_t n = i == 0 ? 0 : 1 + fake_choice(&random, 3); n > 0;
                 n--)
                change(&next, &random);
            const long long over = run_pattern(&next, SOME);
            if (over >= held) {
                held = over;
                best = next;
            }
        }
        if (held > most) {
            most  = held;
            worst = best;
        }
    }
    if (most > BESIDE) {
        print_pattern(&worst);
        fail_msg("output held %lld bytes over twice what was queued", most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            long_and_short_replies_in_turn_hold_twice_their_bytes),
        cmocka_unit_test(shared_frames_among_others_hold_twice_their_bytes),
        cmocka_unit_test(a_block_is_not_kept_for_a_short_reply),
        cmocka_unit_test(control_frames_hold_twice_their_bytes),
        cmocka_unit_test(what_drains_bit_by_bit_holds_twice_the_most),
        cmocka_unit_test(what_is_expected_is_within_the_bound),
        cmocka_unit_test(a_large_block_goes_with_its_last_byte),
        cmocka_unit_test(no_pattern_holds_more_than_twice_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
