/* SPDX-License-Identifier: MIT */
/* test_entropy_faults.c - the operating system's generator fails. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#if defined(__linux__)
#include <sys/random.h>
#else
#include <unistd.h>
#endif

#include <upframe/conn.h>

#include "entropy.h"
#include "support/session.h"

enum { BATCH = 512, ASKED_MAX = 256 };

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

static bool   tests_run; /* a sanitizer may have handlers of its own */
static size_t watches;
static void (*forked)(void); /* what the library runs in a child */

int pthread_atfork(void (*prepare)(void), void (*parent)(void),
                   void (*child)(void))
{
    (void)prepare;
    (void)parent;
    if (tests_run) {
        watches++;
        forked = child;
    }
    return 0;
}

/* ---- Helpers ------------------------------------------------------------ */

/* A sound generator, of which the library holds no bytes any more. */
static int begin(void **state)
{
    uint8_t all[BATCH];

    (void)state;
    memset(&generator, 0, sizeof generator);
    if (!upf_entropy(NULL, all, sizeof all))
        return -1;
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

/* ---- Failures ----------------------------------------------------------- */

static void a_generator_that_fails_is_believed(void **state)
{
    (void)state;
    static const int    errors[]  = {EIO, ENOSYS, EAGAIN, EPERM};
    static const size_t lengths[] = {1, 4, 16, BATCH, BATCH + 1, 5000};
    uint8_t out[5000], untouched[BATCH];

    memset(untouched, 0xA5, sizeof untouched);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        generator.error = errors[i];
        for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
            memset(out, 0xA5, sizeof out);
            assert_false(upf_entropy(NULL, out, lengths[j]));
            assert_memory_equal(out, untouched, sizeof untouched);
        }
        assert_true(upf_entropy(NULL, out, 0)); /* nothing is always there */
    }
    assert_int_equal(generator.calls, 4 * 6); /* nor is it asked twice */

    generator.error = 0;
    assert_true(upf_entropy(NULL, out, 16));
    assert_given(out, 16, 0);
}

static void a_generator_that_gives_nothing_is_a_failure(void **state)
{
    (void)state;
    uint8_t out[16];

    generator.nothing = true;
    assert_false(upf_entropy(NULL, out, sizeof out));
    assert_int_equal(generator.calls, 1);
}

static void bytes_left_of_a_batch_do_not_stretch_over_a_failure(void **state)
{
    (void)state;
    uint8_t out[BATCH];

    assert_true(upf_entropy(NULL, out, BATCH - 8)); /* 8 are left */
    generator.error = EIO;
    assert_false(upf_entropy(NULL, out, 16));
    assert_false(upf_entropy(NULL, out, 8));
    assert_false(upf_entropy(NULL, out, 1));

    generator.error = 0;
    const uint64_t given = generator.given;
    assert_true(upf_entropy(NULL, out, 8));
    assert_given(out, 8, given);
}

static void a_failure_halfway_gives_no_half(void **state)
{
    (void)state;
    uint8_t out[BATCH];

    for (size_t len = 1; len <= ASKED_MAX; len += 51) {
        assert_true(upf_entropy(NULL, out, BATCH)); /* none is left */
        generator.sound = 1; /* a batch takes two calls */
        generator.error = EIO;
        assert_false(upf_entropy(NULL, out, len));
        assert_int_equal(generator.sound, 0);
        assert_false(upf_entropy(NULL, out, len));
        generator.error = 0;
    }
}

static void an_interrupted_call_is_made_again(void **state)
{
    (void)state;
#if defined(__linux__)
    uint8_t out[1000];

    for (int interrupts = 0; interrupts < 5; interrupts++) {
        const uint64_t given = generator.given;

        generator.calls      = 0;
        generator.interrupts = interrupts;
        assert_true(upf_entropy(NULL, out, BATCH));
        assert_given(out, BATCH, given);
        assert_int_equal(generator.calls,
                         interrupts + BATCH / ASKED_MAX);
        generator.interrupts = interrupts;
        assert_true(upf_entropy(NULL, out, sizeof out));
        assert_given(out, sizeof out, given + BATCH);
    }
    generator.interrupts = 3; /* and then it fails */
    generator.error      = EIO;
    assert_false(upf_entropy(NULL, out, 16));
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
    static const size_t most[] = {1, 2, 7, 255, 256};
    uint8_t out[3 * BATCH];

    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        uint64_t given = generator.given;

        generator.most = most[i];
        assert_true(upf_entropy(NULL, out, BATCH));
        assert_given(out, BATCH, given);
        given += BATCH;
        assert_true(upf_entropy(NULL, out, sizeof out));
        assert_given(out, sizeof out, given);
        assert_int_equal(generator.given, given + sizeof out);
    }
#else
    /* getentropy() has neither EINTR nor short counts to try. */
    skip();
#endif
}

/* ---- Batches and forks -------------------------------------------------- */

static void small_amounts_come_from_one_batch_each_byte_once(void **state)
{
    (void)state;
    uint8_t key[4];

    for (unsigned i = 0; i < BATCH / sizeof key; i++) {
        assert_true(upf_entropy(NULL, key, sizeof key));
        assert_given(key, sizeof key, i * sizeof key);
    }
    assert_int_equal(generator.given, BATCH);
    /* getentropy(), where that is the generator, gives no more at once. */
    assert_in_range(generator.largest, 1, ASKED_MAX);
    assert_true(upf_entropy(NULL, key, sizeof key));
    assert_given(key, sizeof key, BATCH);
}

static void a_fork_makes_the_batch_void(void **state)
{
    (void)state;
    uint8_t key[4];

    assert_int_equal(watches, 1);
    assert_non_null(forked);
    for (int i = 0; i < 10; i++) {
        assert_true(upf_entropy(NULL, key, sizeof key));
        const uint64_t given = generator.given;
        forked(); /* as in the child: the parent has the rest of the batch */
        assert_true(upf_entropy(NULL, key, sizeof key));
        assert_given(key, sizeof key, given);
    }
    forked();
    generator.error = EIO;
    assert_false(upf_entropy(NULL, key, sizeof key));
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

static void a_key_is_what_the_generator_gave(void **state)
{
    (void)state;
    struct session session;
    struct frame   frame;

    start_client(&session);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "one", 3), UPF_OK);
    assert_status(upf_send(&session.conn, UPF_OP_TEXT, "two", 3), UPF_OK);
    session_write(&session);
    for (size_t i = 0; i < 2; i++) {
        assert_true(get_frame(session.output.data + i * 9, 9, &frame));
        assert_given(frame.key, sizeof frame.key, i * 4);
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
        cmocka_unit_test_setup(small_amounts_come_from_one_batch_each_byte_once,
                               begin),
        cmocka_unit_test_setup(a_fork_makes_the_batch_void, begin),
        cmocka_unit_test_setup(without_random_bytes_there_is_no_request, begin),
        cmocka_unit_test_setup(without_random_bytes_nothing_is_queued, begin),
        cmocka_unit_test_setup(
            a_ping_that_cannot_be_answered_fails_the_connection, begin),
        cmocka_unit_test_setup(a_key_is_what_the_generator_gave, begin),
    };

    tests_run = true;
    return cmocka_run_group_tests_name("entropy faults", tests, NULL, NULL);
}
