/* SPDX-License-Identifier: MIT */
/* test_sweep.c - loops that ask for no deadline and tick all, now and then. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <upframe/conn.h>

enum { BEGIN = 1000, TENTH = 3000 };

static void hear_something(upf_conn *conn)
{
    uint8_t   empty[] = {0x81, 0x80, 1, 2, 3, 4}; /* a masked text of nothing */
    upf_input in      = {empty, sizeof empty};
    upf_event ev;

    while (upf_conn_next(conn, &in, &ev) == UPF_OK)
        continue;
}

/* Of a connection that is ticked every `period` and heard something once, at
 * `heard`: how long after that the ping is queued. */
static uint64_t silence(uint64_t period, uint64_t heard)
{
    upf_conn conn;
    uint64_t now = BEGIN;

    assert_int_equal(upf_conn_init_open(&conn, NULL, false, NULL), UPF_OK);
    hear_something(&conn);
    upf_conn_tick(&conn, now);
    while (upf_conn_queued(&conn) == 0 && now < 100 * TENTH) {
        if (now < heard && heard <= now + period)
            hear_something(&conn);
        now += period;
        upf_conn_tick(&conn, now);
    }
    upf_conn_free(&conn);
    return now - heard;
}

/* docs/limits.md: 27 s to 33 s, however the sweeps lie. */
static void a_sweep_pings_within_a_tenth_of_the_interval_or_two(void **state)
{
    (void)state;
    for (uint64_t period = TENTH - 300; period <= TENTH; period++)
        for (uint64_t heard = BEGIN + 1; heard < BEGIN + 2 * TENTH;
             heard += 101)
            assert_in_range(silence(period, heard), 27000, 33000);
}

/* A tick of the sweep, and what a loop does after it; true until CLOSE. */
static bool goes_on(upf_conn *conn, uint64_t now, bool writes,
                    upf_status *status)
{
    upf_input in = {0};
    upf_slice slice;
    upf_event ev;

    upf_conn_tick(conn, now);
    while (upf_conn_next(conn, &in, &ev) == UPF_OK)
        if (ev.type == UPF_EVENT_CLOSE) {
            *status = ev.status;
            return false;
        }
    if (upf_conn_output(conn, &slice, 1) > 0)
        upf_conn_output_done(conn, writes ? (ptrdiff_t)slice.len : -1);
    return true;
}

/* A sweep of every tenth of the shorter time is no standstill, so that nobody is
 * asked twice: docs/limits.md. */
static void a_sweep_is_late_for_a_pong_by_a_tenth(void **state)
{
    (void)state;
    for (uint32_t time = TENTH; time <= 10 * TENTH; time += TENTH / 3)
        for (uint64_t period = time / 10 - 50; period <= time / 10; period++) {
            upf_config config = upf_config_default();
            upf_status status = UPF_OK;
            upf_conn   conn;
            uint64_t   now = BEGIN, asked = 0;

            config.pong_timeout = time;
            assert_int_equal(upf_conn_init_open(&conn, &config, false, NULL),
                             UPF_OK);
            hear_something(&conn);
            upf_conn_tick(&conn, now);
            while (goes_on(&conn, now += period, true, &status))
                if (asked == 0 && now - BEGIN >= 9 * TENTH)
                    asked = now;
            assert_int_equal(status, UPF_ERR_PONG_TIMEOUT);
            assert_in_range(now - asked, time, time + period);
            upf_conn_free(&conn);
        }
}

/* It learns at a sweep, or at the one after it, that something waits. */
static void a_sweep_ends_what_waits_up_to_two_tenths_later(void **state)
{
    (void)state;
    for (uint64_t period = TENTH - 300; period <= TENTH; period++)
        for (uint64_t sent = BEGIN; sent < BEGIN + period; sent += 101) {
            upf_status status = UPF_OK;
            upf_conn   conn;
            uint64_t   now = BEGIN;

            assert_int_equal(upf_conn_init_open(&conn, NULL, false, NULL),
                             UPF_OK);
            hear_something(&conn);
            upf_conn_tick(&conn, now);
            assert_int_equal(upf_send(&conn, UPF_OP_TEXT, "out", 3), UPF_OK);
            while (goes_on(&conn, now += period, false, &status))
                continue;
            assert_int_equal(status, UPF_ERR_WRITE_TIMEOUT);
            assert_in_range(now - sent, 50000, 59000);
            upf_conn_free(&conn);

            now = BEGIN;
            assert_int_equal(upf_conn_init_open(&conn, NULL, false, NULL),
                             UPF_OK);
            hear_something(&conn);
            upf_conn_tick(&conn, now);
            assert_int_equal(upf_close(&conn, 0, NULL), UPF_OK);
            while (goes_on(&conn, now += period, true, &status))
                continue;
            assert_int_equal(status, UPF_ERR_CLOSE_TIMEOUT);
            assert_in_range(now - sent, 5000, 11000);
            upf_conn_free(&conn);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sweep_pings_within_a_tenth_of_the_interval_or_two),
        cmocka_unit_test(a_sweep_is_late_for_a_pong_by_a_tenth),
        cmocka_unit_test(a_sweep_ends_what_waits_up_to_two_tenths_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
