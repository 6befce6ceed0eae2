/* SPDX-License-Identifier: MIT */
/* test_asserts.c - mistakes that a build with assert() stops at. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <upframe/conn.h>

#include "support/session.h"

/* LONG is more than a reply in place is moved. */
enum { BUFFER = 32 * 1024, LONG = 5000 };

/* What a mistake ends with; the build that measures coverage has no asserts. */
#ifdef NDEBUG
enum { STOPPED = 0 };
#else
enum { STOPPED = SIGABRT };
#endif

/* A server that echoes `count` messages of `len` bytes in place, from a buffer
 * into which the next input comes. */
struct reader {
    struct session session;
    uint8_t        buffer[BUFFER];
};

static void echo(struct reader *reader, struct blob *bytes, size_t at)
{
    upf_input input = {reader->buffer + at, bytes->len};
    upf_event event;

    memcpy(input.data, bytes->data, bytes->len);
    while (upf_conn_next(&reader->session.conn, &input, &event) == UPF_OK)
        if (event.type == UPF_EVENT_MESSAGE)
            upf_send_in_place(&reader->session.conn, event.opcode, event.data,
                              event.len);
}

/* Read twice into the buffer, the second time from `at` on; `keep` before. */
static void read_twice(size_t count, size_t len, size_t at, bool keep)
{
    struct reader *reader = calloc(1, sizeof *reader);
    struct blob    bytes  = {0};
    upf_slice      slices[4];

    session_prepare(&reader->session);
    session_begin(&reader->session, OPEN_SERVER);
    for (size_t i = 0; i < count; i++)
        put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'm', len);
    echo(reader, &bytes, 0);
    if (keep)
        upf_conn_output_keep(&reader->session.conn);
    upf_conn_output(&reader->session.conn, slices, 4);
    bytes.len /= count;
    echo(reader, &bytes, at);
    blob_free(&bytes);
    session_free(&reader->session);
    free(reader);
}

/* The signal that ended it, or 0. */
static int fate(size_t count, size_t len, size_t at, bool keep)
{
    int         status;
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL); /* not cmocka's */
        if (freopen("/dev/null", "w", stderr) != NULL)
            read_twice(count, len, at, keep);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* One reply, several that are one slice, a queue of them. */
static void input_over_what_a_reply_borrows_stops_the_program(void **state)
{
    (void)state;
    static const struct { size_t count, len; } turns[] = {
        {1, 300}, {3, 300}, {3, LONG}, {1, 17}, {1, 125}
    };

    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        const size_t count = turns[i].count, len = turns[i].len;

        assert_int_equal(fate(count, len, 0, false), STOPPED);
        assert_int_equal(fate(count, len, BUFFER / 2, false), 0);
        assert_int_equal(fate(count, len, 0, true), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_over_what_a_reply_borrows_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
