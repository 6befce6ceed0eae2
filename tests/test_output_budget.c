/* SPDX-License-Identifier: MIT */
/* test_output_budget.c - what control frames may take of the output. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "output.h"
#include "output_add.h"

#include "support/session.h"

enum { BUDGET = 2048 };

static void start(struct session *session)
{
    session_start(session, OPEN_SERVER);
    session_give(session, NULL, 0);
}

/* Queue a frame, whatever is in it. */
static void add(struct session *session, size_t len)
{
    uint8_t *out = upf_output_reserve(&session->conn, len);

    assert_non_null(out);
    memset(out, 'x', len);
}

static void written(struct session *session, size_t len)
{
    assert_true(upf_output_advance(&session->conn, len));
}

/* ---- The budget --------------------------------------------------------- */

static void add_control(struct session *session, size_t len)
{
    assert_true(upf_output_control_fits(&session->conn, len));
    uint8_t *out = upf_output_reserve_control(&session->conn, len);
    assert_non_null(out);
    memset(out, 'x', len);
}

/* A control frame of `room` bytes fits, and of one more does not. */
static void assert_room(const struct session *session, size_t room)
{
    assert_true(upf_output_control_fits(&session->conn, room));
    assert_false(upf_output_control_fits(&session->conn, room + 1));
}

static void control_frames_have_2_KiB_of_their_own(void **state)
{
    (void)state;
    struct session session;

    start(&session);
    add(&session, 100000); /* messages do not count */
    assert_room(&session, BUDGET);
    for (size_t room = BUDGET; room >= 100; room -= 100) {
        add_control(&session, 100);
        assert_room(&session, room - 100);
    }
    session_free(&session);
}

static void the_budget_comes_back_in_two_parts_when_they_are_written(
    void **state)
{
    (void)state;
    struct session session;

    start(&session);
    add_control(&session, 1000); /* the older part, up to 1000 */
    add(&session, 5000);
    add_control(&session, 500); /* the newer one, up to 7000 */
    add_control(&session, 500);
    add(&session, 5000);
    assert_room(&session, 48);
    written(&session, 999);
    assert_room(&session, 48);
    written(&session, 1);
    assert_room(&session, 1048);
    written(&session, 5999);
    assert_room(&session, 1048);
    add_control(&session, 300); /* newer than what is left */
    written(&session, 1);
    assert_room(&session, BUDGET - 300);
    written(&session, 5000 + 299);
    assert_room(&session, BUDGET - 300);
    add(&session, 1);
    written(&session, 1);
    assert_room(&session, BUDGET);
    session_free(&session);
}

static void both_parts_may_be_written_at_once(void **state)
{
    (void)state;
    struct session session;

    start(&session);
    add_control(&session, 1000);
    add_control(&session, 1000);
    add(&session, 1);
    written(&session, 2000);
    assert_room(&session, BUDGET);
    add_control(&session, 7);
    assert_room(&session, BUDGET - 7);
    session_free(&session);
}

static void assert_late(struct session *session, const char *payload)
{
    uint8_t pong[UPF_CONTROL_PAYLOAD_MAX];
    size_t  len;

    assert_true(upf_output_late_pong(&session->conn, pong, &len));
    assert_int_equal(len, strlen(payload));
    assert_memory_equal(pong, payload, len);
    assert_false(upf_output_late_pong(&session->conn, pong, &len));
}

static void keep_late(struct session *session, const char *payload)
{
    upf_output_keep_late_pong(&session->conn, (const uint8_t *)payload,
                              strlen(payload));
}

static void only_the_newest_ping_waits_for_room(void **state)
{
    (void)state;
    struct session session;
    uint8_t        pong[UPF_CONTROL_PAYLOAD_MAX];
    size_t         len;

    start(&session);
    add_control(&session, BUDGET - 10);
    keep_late(&session, "the first of them");
    keep_late(&session, "newest");
    assert_false(upf_output_control_fits(&session.conn, 1)); /* in order */
    assert_false(upf_output_late_pong(&session.conn, pong, &len));
    add(&session, 1);
    written(&session, BUDGET - 11);
    assert_false(upf_output_late_pong(&session.conn, pong, &len));
    written(&session, 1);
    assert_late(&session, "newest");
    assert_room(&session, BUDGET);
    session_free(&session);
}

static void a_ping_waits_though_nothing_else_does(void **state)
{
    (void)state;
    struct session session;
    upf_slice      slice;

    start(&session);
    add_control(&session, BUDGET);
    keep_late(&session, "");
    written(&session, BUDGET);
    assert_int_equal(session.conn.out.len, 0);
    assert_int_equal(upf_output_slices(&session.conn, &slice, 1), 0);
    assert_late(&session, "");
    assert_true(upf_output_advance(&session.conn, 0));
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
}

static void a_ping_that_waits_may_be_dropped(void **state)
{
    (void)state;
    struct session session;
    uint8_t        pong[UPF_CONTROL_PAYLOAD_MAX];
    size_t         len;

    start(&session);
    add_control(&session, BUDGET);
    keep_late(&session, "dropped");
    upf_output_drop_late_pong(&session.conn);
    written(&session, BUDGET - 1);
    assert_false(upf_output_late_pong(&session.conn, pong, &len));
    written(&session, 1);
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
}

/* ---- Late pongs of a connection ------------------------------------------ */

enum { FLOOD = 20 }; /* pings of 125 bytes: 16 of them fit */

/* A server that has read a flood and written nothing. */
static void start_flooded(struct session *session)
{
    struct blob bytes = {0};

    start(session);
    session->hold = true;
    for (unsigned i = 0; i < FLOOD; i++)
        put_run(&bytes, FROM_CLIENT, FIN | PING, 'a' + i, 125);
    session_give_blob(session, &bytes);
    assert_int_equal(session->log.count[UPF_EVENT_PING], FLOOD);
    assert_int_equal(upf_conn_queued(&session->conn), 16 * 127);
    blob_free(&bytes);
}

static void the_newest_ping_of_a_flood_is_answered_late(void **state)
{
    (void)state;
    struct session session;
    struct blob    expected = {0};

    start_flooded(&session);
    session.hold = false;
    session_write(&session);
    for (unsigned i = 0; i < FLOOD; i++)
        if (i < 16 || i == FLOOD - 1)
            put_run(&expected, FROM_SERVER, FIN | PONG, 'a' + i, 125);
    assert_true(blob_equal(&session.output, &expected));
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
    blob_free(&expected);
}

/* Write all pongs; there is then no memory for the one that is late. */
static void check_late(bool for_ever)
{
    struct session session;

    start_flooded(&session);
    session.alloc.fault = (struct fault){session.alloc.calls + 1, for_ever};
    assert_status(upf_conn_output_done(&session.conn, 16 * 127),
                  UPF_ERR_NO_MEMORY);
    session.hold = false;
    session_give(&session, NULL, 0);
    assert_status(session.last, UPF_DONE);
    assert_status(session.log.status, UPF_ERR_NO_MEMORY);
    if (for_ever)
        assert_int_equal(session.output.len, 0);
    else
        assert_sent(&session, "fin CLOSE 1011 \"out of memory\"\n");
    assert_int_equal(session.log.close.sent_code, for_ever ? 0 : 1011);
    assert_int_equal(session.alloc.live, 0);
    session_free(&session);
}

static void without_memory_for_a_late_pong_the_connection_fails(void **state)
{
    (void)state;
    check_late(true);
    check_late(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_frames_have_2_KiB_of_their_own),
        cmocka_unit_test(
            the_budget_comes_back_in_two_parts_when_they_are_written),
        cmocka_unit_test(both_parts_may_be_written_at_once),
        cmocka_unit_test(only_the_newest_ping_waits_for_room),
        cmocka_unit_test(a_ping_waits_though_nothing_else_does),
        cmocka_unit_test(a_ping_that_waits_may_be_dropped),
        cmocka_unit_test(the_newest_ping_of_a_flood_is_answered_late),
        cmocka_unit_test(without_memory_for_a_late_pong_the_connection_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
