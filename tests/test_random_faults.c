/* SPDX-License-Identifier: MIT */
/* test_random_faults.c - the operating system's generator fails. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#include <sys/random.h>
#else
#include <unistd.h>
#endif

#include <upframe/conn.h>

#include "kernels/kernels.h"
#include "random.h"
#include "support/session.h"

enum {
    SEED      = 32,
    BATCH     = UPF_CHACHA20_BYTES,
    DRAWN     = BATCH - SEED, /* of a batch; the rest is the next one's key */
    BATCHES   = 64,           /* from one seed */
    ASKED_MAX = 256
};

/* ---- What stands in for the system --------------------------------------
 *
 * The linker takes these definitions before those of the C library: nothing
 * in src/ knows of it. The bytes are a known sequence, to be recognized.
 */

static struct {
    uint64_t given;     /* bytes so far */
    size_t   calls;
    size_t   largest;   /* bytes asked for in one call */
    size_t   most;      /* bytes that one call gives; 0: all */
    bool     nothing;   /* every call gives no byte and no error */
    int      interrupts; /* so many calls end in EINTR first */
    size_t   sound;     /* then so many are answered */
    int      error;     /* errno of all others; 0: they are answered, too */
} generator;

static uint8_t byte_at(uint64_t i)
{
    return (uint8_t)((i * UINT64_C(0x9E3779B97F4A7C15)) >> 56);
}

static ptrdiff_t generate(uint8_t *out, size_t len)
{
    generator.calls++;
    if (len > generator.largest)
        generator.largest = len;
    if (generator.interrupts > 0) {
        generator.interrupts--;
        errno = EINTR;
        return -1;
    }
    if (generator.error != 0 && generator.sound == 0) {
        errno = generator.error;
        return -1;
    }
    if (generator.sound > 0)
        generator.sound--;
    if (generator.nothing)
        return 0;
    if (generator.most != 0 && len > generator.most)
        len = generator.most;
    for (size_t i = 0; i < len; i++)
        out[i] = byte_at(generator.given++);
    return (ptrdiff_t)len;
}

#if defined(__linux__)
ssize_t getrandom(void *out, size_t len, unsigned flags)
{
    (void)flags;
    return generate(out, len);
}
#else
int getentropy(void *out, size_t len)
{
    return generate(out, len) == (ptrdiff_t)len ? 0 : -1;
}
#endif

static size_t watches;
static void  *watched; /* what the kernel sets to 0 in a child */
static size_t watched_len;

#if defined(__linux__)
int madvise(void *page, size_t len, int advice)
{
    enum { WIPE_ON_FORK = 18 };

    if (advice != WIPE_ON_FORK) {
        errno = EINVAL;
        return -1;
    }
    watches++;
    watched     = page;
    watched_len = len;
    return 0;
}
#else
int minherit(void *page, size_t len, int inherit)
{
    (void)inherit;
    watches++;
    watched     = page;
    watched_len = len;
    return 0;
}
#endif

/* As in the child of a fork. */
static void forked(void) { memset(watched, 0, watched_len); }

/* ---- Helpers ------------------------------------------------------------ */

/* A sound generator, and a library that has to ask it for a seed. */
static int begin(void **state)
{
    uint8_t some[1];

    (void)state;
    memset(&generator, 0, sizeof generator);
    if (!upf_random(NULL, some, sizeof some) || watched == NULL)
        return -1;
    forked();
    memset(&generator, 0, sizeof generator);
    return 0;
}

/* out[0, len) are bytes of the generator's, from the n-th on. */
static void assert_given(const uint8_t *out, size_t len, uint64_t n)
{
    for (size_t i = 0; i < len; i++)
        if (out[i] != byte_at(n + i))
            fail_msg("byte %zu of %zu is not the generator's", i, len);
}

/* What is to be drawn: batches, each of which begins with the next one's key.
 * (The stream itself is compared with the RFC's in test_kernels_chacha20.c.) */
static struct {
    uint8_t batch[BATCH];
    size_t  end; /* what was drawn lies behind it */
} stream;

static void next_batch(void)
{
    uint8_t key[SEED];

    memcpy(key, stream.batch, sizeof key);
    upf_kernels()->chacha20(key, stream.batch);
    stream.end = BATCH;
}

/* The seed is the generator's bytes from the n-th on. */
static void seed_with(uint64_t n)
{
    for (size_t i = 0; i < SEED; i++)
        stream.batch[i] = byte_at(n + i);
    next_batch();
}

/* The stream's next bytes. What is left of a batch is not enough: it is lost. */
static void assert_drawn(const uint8_t *out, size_t len)
{
    if (len > stream.end - SEED)
        next_batch();
    stream.end -= len;
    assert_memory_equal(out, stream.batch + stream.end, len);
}

static void draw(size_t len)
{
    uint8_t out[BATCH];

    assert_true(upf_random(NULL, out, len));
    assert_drawn(out, len);
}

/* ---- Failures ----------------------------------------------------------- */

static void a_generator_that_fails_is_believed(void **state)
{
    (void)state;
    static const int    errors[]  = {EIO, ENOSYS, EAGAIN, EPERM};
    static const size_t lengths[] = {1, 4, 16, DRAWN, DRAWN + 1, 5000};
    uint8_t out[5000], untouched[BATCH];

    memset(untouched, 0xA5, sizeof untouched);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        generator.error = errors[i];
        for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
            memset(out, 0xA5, sizeof out);
            assert_false(upf_random(NULL, out, lengths[j]));
            assert_memory_equal(out, untouched, sizeof untouched);
        }
    }
    assert_int_equal(generator.calls, 4 * 6); /* it is not asked twice */

    generator.error = 0;
    seed_with(0);
    draw(16);
}

static void a_generator_that_gives_nothing_is_a_failure(void **state)
{
    (void)state;
    uint8_t out[16];

    generator.nothing = true;
    assert_false(upf_random(NULL, out, sizeof out));
    assert_int_equal(generator.calls, 1);
}

static void bytes_left_of_a_batch_do_not_stretch_over_a_failure(void **state)
{
    (void)state;
    uint8_t out[16];

    seed_with(0);
    for (int i = 0; i < BATCHES - 1; i++)
        draw(DRAWN);
    draw(DRAWN - 8); /* 8 are left, of the last batch of this seed */
    generator.error = EIO;
    assert_false(upf_random(NULL, out, 16));
    assert_false(upf_random(NULL, out, 8));
    assert_false(upf_random(NULL, out, 1));

    generator.error = 0;
    seed_with(SEED);
    draw(8);
}

static void a_failure_halfway_gives_no_half(void **state)
{
    (void)state;
    static uint8_t out[5000];

    for (size_t len = 1; len <= DRAWN; len += 200) {
        forked();
        generator.most  = SEED / 2; /* a seed takes two calls */
        generator.sound = 1;
        generator.error = EIO;
        assert_false(upf_random(NULL, out, len));
        assert_int_equal(generator.sound, 0);
        assert_false(upf_random(NULL, out, len));
        generator.error = 0;
        seed_with(generator.given);
        draw(len);
    }
    generator.sound = 3;
    generator.error = EIO;
    assert_false(upf_random(NULL, out, sizeof out));
    assert_int_equal(generator.sound, 0);
}

static void an_interrupted_call_is_made_again(void **state)
{
    (void)state;
#if defined(__linux__)
    uint8_t out[2 * BATCH];

    for (int interrupts = 0; interrupts < 5; interrupts++) {
        forked();
        seed_with(generator.given);
        generator.calls      = 0;
        generator.interrupts = interrupts;
        draw(4);
        assert_int_equal(generator.calls, (size_t)interrupts + 1);

        const uint64_t given = generator.given;
        generator.calls      = 0;
        generator.interrupts = interrupts;
        assert_true(upf_random(NULL, out, sizeof out));
        assert_given(out, sizeof out, given);
        assert_int_equal(generator.calls,
                         (size_t)interrupts + sizeof out / ASKED_MAX);
    }
    forked();
    generator.interrupts = 3; /* and then it fails */
    generator.error      = EIO;
    assert_false(upf_random(NULL, out, 16));
    assert_int_equal(generator.interrupts, 0);
#else
    /* getentropy() has neither EINTR nor short counts to try. */
    skip();
#endif
}

static void a_call_that_gives_less_is_followed_by_another(void **state)
{
    (void)state;
#if defined(__linux__)
    static const size_t most[] = {1, 2, 7, 31, 255, 256};
    uint8_t out[3 * BATCH];

    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        generator.most = most[i];
        forked();
        seed_with(generator.given);
        draw(100);
        const uint64_t given = generator.given;
        assert_true(upf_random(NULL, out, sizeof out));
        assert_given(out, sizeof out, given);
        assert_int_equal(generator.given, given + sizeof out);
    }
#else
    /* getentropy() has neither EINTR nor short counts to try. */
    skip();
#endif
}

/* ---- Batches and forks -------------------------------------------------- */

static void many_keys_come_from_one_seed_each_byte_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3 * SEED; seed += SEED) {
        seed_with(seed);
        for (unsigned i = 0; i < BATCHES * DRAWN / 4; i++) {
            draw(4);
            assert_int_equal(generator.given, seed + SEED);
        }
    }
    /* getentropy(), where that is the generator, gives no more at once. */
    assert_in_range(generator.largest, 1, ASKED_MAX);
}

static void a_fork_makes_the_batch_void(void **state)
{
    (void)state;
    uint8_t key[4];

    assert_int_equal(watches, 1);
    for (int i = 0; i < 10; i++) {
        seed_with(generator.given);
        draw(4);
        draw(4);
        forked(); /* as in the child: the parent has the rest of the batch */
    }
    generator.error = EIO;
    assert_false(upf_random(NULL, key, sizeof key));
    assert_int_equal(watches, 1);
}

/* ---- Connections -------------------------------------------------------- */

/* A client as its author gets it: the random source is the default one. */
static void start_client(struct session *session)
{
    session_prepare(session);
    session->config.random      = upf_config_default().random;
    session->config.random_user = NULL;
    session_begin(session, OPEN_CLIENT);
    session_give(session, NULL, 0);
    assert_true(upf_conn_is_open(&session->conn));
}

static void without_random_bytes_there_is_no_request(void **state)
{
    (void)state;
    upf_config               config  = upf_config_default();
    const upf_client_request request = {.url = "ws://example.com/"};
    struct fake_alloc        alloc   = {.calls = 0};
    upf_conn                 conn;

    config.alloc      = fake_alloc;
    config.alloc_user = &alloc;
    generator.error   = EIO;
    assert_status(upf_conn_init_client(&conn, &config, &request),
                  UPF_ERR_RANDOM);
    assert_int_equal(upf_conn_queued(&conn), 0);
    assert_int_equal(alloc.live, 0);
    upf_conn_free(&conn);

    generator.error = 0;
    assert_status(upf_conn_init_client(&conn, &config, &request), UPF_OK);
    assert_true(upf_conn_queued(&conn) > 0);
    upf_conn_free(&conn);
    assert_int_equal(alloc.live, 0);
}

static void without_random_bytes_nothing_is_queued(void **state)
{
    (void)state;
    static char    room[32] = "..............in place";
    struct session session;
    upf_conn      *conn  = &session.conn;
    upf_slice      slice = {room, 4};

    start_client(&session);
    generator.error = EIO;
    for (int i = 0; i < 3; i++) {
        assert_status(upf_send(conn, UPF_OP_TEXT, "x", 1), UPF_ERR_RANDOM);
        assert_status(upf_send(conn, UPF_OP_TEXT, NULL, 0), UPF_ERR_RANDOM);
        assert_status(upf_sendv(conn, UPF_OP_TEXT, &slice, 1), UPF_ERR_RANDOM);
        assert_status(upf_send_part(conn, UPF_OP_TEXT, "x", 1, false),
                      UPF_ERR_RANDOM);
        assert_status(upf_send_in_place(conn, UPF_OP_TEXT, room + 14, 8),
                      UPF_ERR_RANDOM);
        assert_status(upf_ping(conn, "x", 1), UPF_ERR_RANDOM);
        assert_status(upf_pong(conn, "x", 1), UPF_ERR_RANDOM);
        assert_status(upf_close(conn, 1000, "x"), UPF_ERR_RANDOM);
        assert_int_equal(upf_conn_queued(conn), 0);
        assert_int_equal(session.alloc.live, 0);
        assert_true(upf_conn_is_open(conn));
    }
    /* Another try is all it takes: the part that failed did not begin. */
    generator.error = 0;
    assert_status(upf_send(conn, UPF_OP_TEXT, "again", 5), UPF_OK);
    assert_status(upf_close(conn, 1000, "bye"), UPF_OK);
    session_write(&session);
    assert_sent(&session, "fin TEXT 5 \"again\"\nfin CLOSE 1000 \"bye\"\n");
    session_free(&session);
}

static void a_ping_that_cannot_be_answered_fails_the_connection(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    put_text(&bytes, FROM_SERVER, FIN | PING, "answer me");
    start_client(&session);
    generator.error = EIO;
    session_give_blob(&session, &bytes);
    assert_status(session.last, UPF_DONE);
    assert_status(session.log.status, UPF_ERR_RANDOM);
    assert_int_equal(session.log.count[UPF_EVENT_PING], 0);
    assert_int_equal(session.log.close.sent_code, 0); /* it has a mask, too */
    assert_int_equal(session.output.len, 0);
    session_free(&session);
    blob_free(&bytes);
}

static void each_frame_draws_its_own_key(void **state)
{
    (void)state;
    struct session session;
    struct frame   frame;

    start_client(&session);
    seed_with(0);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "one", 3), UPF_OK);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "two", 3), UPF_OK);
    session_write(&session);
    for (size_t i = 0; i < 2; i++) {
        assert_true(get_frame(session.output.data + i * 9, 9, &frame));
        assert_drawn(frame.key, sizeof frame.key);
    }
    session_free(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_generator_that_fails_is_believed, begin),
        cmocka_unit_test_setup(a_generator_that_gives_nothing_is_a_failure,
                               begin),
        cmocka_unit_test_setup(
            bytes_left_of_a_batch_do_not_stretch_over_a_failure, begin),
        cmocka_unit_test_setup(a_failure_halfway_gives_no_half, begin),
        cmocka_unit_test_setup(an_interrupted_call_is_made_again, begin),
        cmocka_unit_test_setup(a_call_that_gives_less_is_followed_by_another,
                               begin),
        cmocka_unit_test_setup(many_keys_come_from_one_seed_each_byte_once,
                               begin),
        cmocka_unit_test_setup(a_fork_makes_the_batch_void, begin),
        cmocka_unit_test_setup(without_random_bytes_there_is_no_request, begin),
        cmocka_unit_test_setup(without_random_bytes_nothing_is_queued, begin),
        cmocka_unit_test_setup(
            a_ping_that_cannot_be_answered_fails_the_connection, begin),
        cmocka_unit_test_setup(each_frame_draws_its_own_key, begin),
    };

    return cmocka_run_group_tests_name("random faults", tests, NULL, NULL);
}
