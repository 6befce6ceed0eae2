/* SPDX-License-Identifier: MIT */
/* test_backoff.c - whether and when a client comes back. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/backoff.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ALL_ONES     UINT32_MAX /* the random bits of the longest wait */

static upf_backoff begin(uint32_t base, uint32_t cap, uint32_t stable,
                         uint32_t max_tries)
{
    const upf_backoff_policy policy = {base, cap, stable, max_tries};
    upf_backoff backoff;

    assert_int_equal(upf_backoff_init(&backoff, &policy), UPF_OK);
    return backoff;
}

/* The wait after a loss; the policy must grant one. */
static uint32_t lose(upf_backoff *backoff, uint64_t now, uint32_t random)
{
    uint32_t wait = 0;

    assert_true(upf_backoff_lost(backoff, now, random, &wait));
    return wait;
}

/* What the longest wait should be, by doubling and not by shifting. */
static uint32_t longest(uint32_t base, uint32_t cap, uint32_t tries)
{
    uint64_t wait = base;

    while (tries-- > 0 && wait < cap)
        wait *= 2;
    return wait < cap ? (uint32_t)wait : cap;
}

static void the_defaults_begin_with_the_delay_of_section_7_2_3(void **state)
{
    (void)state;
    const upf_backoff_policy policy = upf_backoff_default();
    upf_backoff backoff;

    assert_int_equal(policy.base_ms, 5000);
    assert_int_equal(policy.cap_ms, 120000);
    assert_int_equal(policy.stable_ms, 60000);
    assert_int_equal(policy.max_tries, 0);

    assert_int_equal(upf_backoff_init(&backoff, NULL), UPF_OK);
    assert_int_equal(lose(&backoff, 1, 0), 0);
    assert_int_equal(upf_backoff_init(&backoff, NULL), UPF_OK);
    assert_int_equal(lose(&backoff, 1, ALL_ONES), 5000);
}

static void a_policy_that_would_hammer_the_server_is_refused(void **state)
{
    (void)state;
    static const upf_backoff_policy bad[] = {
        {0, 1000, 1000, 3},
        {0, 0, 1000, 3},
        {10, 9, 1000, 3},
        {10, 0, 1000, 3},
        {UINT32_MAX, UINT32_MAX - 1, 1000, 3},
        {10, 1000, 0, 3},
    };
    const upf_backoff_policy defaults = upf_backoff_default();
    upf_backoff backoff;

    for (size_t i = 0; i < COUNT(bad); i++) {
        memset(&backoff, 0xA5, sizeof backoff);
        assert_int_equal(upf_backoff_init(&backoff, &bad[i]),
                         UPF_ERR_ARGUMENT);
        assert_int_equal(backoff.policy.base_ms, defaults.base_ms);
        assert_int_equal(backoff.policy.cap_ms, defaults.cap_ms);
        assert_int_equal(backoff.policy.stable_ms, defaults.stable_ms);
        assert_int_equal(upf_backoff_tries(&backoff), 0);
        assert_int_equal(lose(&backoff, 1, ALL_ONES), 5000);
    }
}

static void the_longest_wait_doubles_until_the_cap(void **state)
{
    (void)state;
    static const uint32_t expected[] = {100, 200, 400, 800, 1500, 1500, 1500};
    upf_backoff backoff = begin(100, 1500, 1, 0);

    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(upf_backoff_tries(&backoff), i);
        assert_int_equal(lose(&backoff, 1, ALL_ONES), expected[i]);
    }
}

static void no_base_cap_or_number_of_tries_overflows(void **state)
{
    (void)state;
    static const uint32_t edges[] = {
        1, 2, 3, 5, 1000, UINT32_C(1) << 16, (UINT32_C(1) << 16) + 1,
        (UINT32_C(1) << 31) - 1, UINT32_C(1) << 31, (UINT32_C(1) << 31) + 1,
        UINT32_MAX - 1, UINT32_MAX,
    };

    for (size_t b = 0; b < COUNT(edges); b++) {
        for (size_t c = b; c < COUNT(edges); c++) {
            upf_backoff backoff = begin(edges[b], edges[c], 1, 0);
            for (uint32_t n = 0; n < 100; n++) {
                const uint32_t most = longest(edges[b], edges[c], n);
                upf_backoff    copy = backoff;
                assert_int_equal(lose(&copy, n, 0), 0);
                assert_int_equal(lose(&backoff, n, ALL_ONES), most);
            }
        }
    }
}

static void the_count_of_tries_stops_at_its_end(void **state)
{
    (void)state;
    upf_backoff backoff = begin(7, 1000, 1, 0);

    backoff.tries = UINT32_MAX - 1;
    assert_int_equal(lose(&backoff, 1, ALL_ONES), 1000);
    assert_int_equal(upf_backoff_tries(&backoff), UINT32_MAX);
    assert_int_equal(lose(&backoff, 1, ALL_ONES), 1000);
    assert_int_equal(upf_backoff_tries(&backoff), UINT32_MAX);
}

/* 2^20 draws, evenly spread over all 32-bit values. */
static void each_wait_is_equally_likely(void **state)
{
    (void)state;
    static const uint32_t bases[] = {1, 2, 6, 999, 1023, 1024};
    static uint32_t seen[1025];

    for (size_t b = 0; b < COUNT(bases); b++) {
        const uint32_t share = (UINT32_C(1) << 20) / (bases[b] + 1);
        const upf_backoff fresh = begin(bases[b], bases[b], 1, 0);
        memset(seen, 0, sizeof seen);
        for (uint32_t i = 0; i < UINT32_C(1) << 20; i++) {
            upf_backoff    backoff = fresh;
            const uint32_t wait    = lose(&backoff, 1, i << 12);
            if (wait > bases[b])
                fail_msg("%u is over %u", wait, bases[b]);
            seen[wait]++;
        }
        for (uint32_t wait = 0; wait <= bases[b]; wait++)
            assert_in_range(seen[wait], share, share + 1);
    }
}

static void more_random_bits_are_a_longer_wait(void **state)
{
    (void)state;
    const upf_backoff fresh = begin(UINT32_MAX, UINT32_MAX, 1, 0);
    static const uint32_t bits[] = {0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE,
                                    0xFFFFFFFF};

    for (size_t i = 0; i < COUNT(bits); i++) {
        upf_backoff backoff = fresh;
        assert_int_equal(lose(&backoff, 1, bits[i]), bits[i]);
    }
}

static void a_server_that_drops_every_open_connection_sees_longer_waits(
    void **state)
{
    (void)state;
    upf_backoff backoff = begin(10, 10000, 500, 0);
    uint64_t    now     = 1;

    for (uint32_t n = 0; n < 20; n++) {
        upf_backoff_opened(&backoff, now);
        now += 499;
        const uint32_t wait = lose(&backoff, now, ALL_ONES);
        assert_int_equal(wait, longest(10, 10000, n));
        now += wait;
    }
}

static void a_stable_connection_makes_the_failures_forgotten(void **state)
{
    (void)state;
    static const uint64_t starts[] = {0, 1, UINT32_MAX, UINT64_MAX - 500};

    for (size_t i = 0; i < COUNT(starts); i++) {
        upf_backoff backoff = begin(10, 10000, 500, 0);
        for (int n = 0; n < 5; n++)
            lose(&backoff, starts[i], 0);
        upf_backoff_opened(&backoff, starts[i]);
        assert_int_equal(lose(&backoff, starts[i] + 500, ALL_ONES), 10);
        assert_int_equal(upf_backoff_tries(&backoff), 1);
        assert_int_equal(lose(&backoff, starts[i] + 500, ALL_ONES), 20);
    }
}

static void only_time_that_it_was_open_counts_as_stable(void **state)
{
    (void)state;
    upf_backoff backoff = begin(10, 10000, 500, 0);

    /* An hour of connecting, and of waiting, is no hour open. */
    assert_int_equal(lose(&backoff, 1, ALL_ONES), 10);
    assert_int_equal(lose(&backoff, 3600000, ALL_ONES), 20);
    upf_backoff_opened(&backoff, 3600000);
    assert_int_equal(lose(&backoff, 3600001, ALL_ONES), 40);
    assert_int_equal(lose(&backoff, 7200000, ALL_ONES), 80);
}

static void two_short_connections_are_not_one_stable(void **state)
{
    (void)state;
    upf_backoff backoff = begin(10, 10000, 500, 0);

    upf_backoff_opened(&backoff, 1000);
    assert_int_equal(lose(&backoff, 1300, ALL_ONES), 10);
    upf_backoff_opened(&backoff, 1300);
    assert_int_equal(lose(&backoff, 1600, ALL_ONES), 20);
}

static void a_clock_that_went_back_counts_as_no_time(void **state)
{
    (void)state;
    upf_backoff backoff = begin(10, 10000, 500, 0);

    assert_int_equal(lose(&backoff, 1, ALL_ONES), 10);
    upf_backoff_opened(&backoff, 5000);
    assert_int_equal(lose(&backoff, 4999, ALL_ONES), 20);
    upf_backoff_opened(&backoff, UINT64_MAX);
    assert_int_equal(lose(&backoff, 0, ALL_ONES), 40);
}

static void it_gives_up_after_as_many_tries_as_were_allowed(void **state)
{
    (void)state;
    upf_backoff backoff = begin(10, 10000, 500, 3);
    uint32_t    wait    = 12345;

    for (int n = 0; n < 3; n++)
        lose(&backoff, 1, ALL_ONES);
    for (int n = 0; n < 3; n++) {
        assert_false(upf_backoff_lost(&backoff, 1, ALL_ONES, &wait));
        assert_int_equal(wait, 12345);
        assert_int_equal(upf_backoff_tries(&backoff), 3);
    }
}

static void a_stable_connection_gives_all_tries_back(void **state)
{
    (void)state;
    upf_backoff backoff = begin(10, 10000, 500, 2);
    uint32_t    wait;

    lose(&backoff, 1, 0);
    lose(&backoff, 1, 0);
    upf_backoff_opened(&backoff, 1);
    assert_int_equal(lose(&backoff, 501, ALL_ONES), 10);
    assert_int_equal(lose(&backoff, 501, ALL_ONES), 20);
    assert_false(upf_backoff_lost(&backoff, 501, 0, &wait));
}

static void without_a_limit_it_never_gives_up(void **state)
{
    (void)state;
    upf_backoff backoff = begin(1, 3, 1, 0);

    for (int n = 0; n < 100000; n++)
        assert_in_range(lose(&backoff, 1, (uint32_t)n * 2654435761u), 0, 3);
    assert_int_equal(upf_backoff_tries(&backoff), 100000);
}

static bool is_one_of(int value, const int *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

static void close_codes_that_would_only_come_again_forbid_a_return(void **state)
{
    (void)state;
    static const int final[] = {1000, 1002, 1003, 1007, 1008, 1009, 1010};

    for (int code = -1; code <= 70000; code++)
        assert_int_equal(upf_may_return(UPF_OK, code, 101),
                         !is_one_of(code, final, COUNT(final)));
}

static void http_statuses_that_say_that_they_stay_forbid_a_return(void **state)
{
    (void)state;
    static const int final[] = {301, 308, 401, 403, 407, 410, 414, 431};

    for (int http = -1; http <= 1000; http++)
        assert_int_equal(upf_may_return(UPF_ERR_RESPONSE, 1006, http),
                         !is_one_of(http, final, COUNT(final)));
}

/* Wrong bytes, lost ones, silence, missing memory: none of it says so. */
static void only_the_callers_mistakes_are_final_statuses(void **state)
{
    (void)state;
    static const int final[] = {UPF_ERR_STATE, UPF_ERR_ARGUMENT, UPF_ERR_URL};

    for (int status = UPF_STATUS_LAST; status <= UPF_OK; status++)
        assert_int_equal(upf_may_return((upf_status)status, 1006, 0),
                         !is_one_of(status, final, COUNT(final)));
}

static void each_of_the_three_can_forbid_it_alone(void **state)
{
    (void)state;
    assert_true(upf_may_return(UPF_ERR_EOF, 1006, 101));
    assert_true(upf_may_return(UPF_ERR_EOF, 0, 0));
    assert_true(upf_may_return(UPF_ERR_RESPONSE, 1006, 503));

    assert_false(upf_may_return(UPF_ERR_URL, 1006, 101));
    assert_false(upf_may_return(UPF_ERR_EOF, 1008, 101));
    assert_false(upf_may_return(UPF_ERR_EOF, 1006, 403));
}

/* ---- Retry-After -------------------------------------------------------- */

enum { DAY_MS = 86400 * 1000 };

static void assert_wait(const char *value, int64_t now, int64_t expected)
{
    uint32_t   wait = 12345;
    const bool got  = upf_retry_after(value, strlen(value), now, &wait);

    if (got != (expected >= 0) ||
        wait != (expected >= 0 ? (uint32_t)expected : 12345))
        fail_msg("\"%s\": %d, %u", value, got, wait);
}

static void retry_after_is_read_as_seconds(void **state)
{
    (void)state;
    assert_wait("0", 0, 0);
    assert_wait("1", 0, 1000);
    assert_wait("120", 1, 120000);
    assert_wait("007", 0, 7000);
    assert_wait("86399", 0, 86399000);
    assert_wait("86400", 0, DAY_MS);
    assert_wait("86401", 0, DAY_MS);
    assert_wait("4294968", 0, DAY_MS);
    assert_wait("99999999999999999999999999", 0, DAY_MS);
    static const char *const wrong[] = {"", " 1", "1 ", "-1", "+1", "1.5",
                                        "1s", "soon", "0x10"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_wait(wrong[i], 784111777, -1);
}

static void retry_after_is_read_as_a_date_if_the_time_is_known(void **state)
{
    (void)state;
    static const char rfc[] = "Sun, 06 Nov 1994 08:49:37 GMT";

    assert_wait(rfc, 0, -1);
    assert_wait(rfc, 784111777, 0);
    assert_wait(rfc, 784111777 - 1, 1000);
    assert_wait(rfc, 784111777 - 86400, DAY_MS);
    assert_wait(rfc, 1, DAY_MS);
    assert_wait(rfc, 784111777 + 1, 0);
    assert_wait("Thu, 01 Jan 1970 00:01:00 GMT", 59, 1000);
    assert_wait("Tue, 29 Feb 2000 23:59:59 GMT", 951868798, 1000);
    assert_wait("Wed, 01 Mar 2000 00:00:00 GMT", 951868799, 1000);
    assert_wait("Mon, 01 Mar 2100 00:00:00 GMT", 4107542399, 1000);
    assert_wait("Fri, 31 Dec 9999 23:59:60 GMT", INT64_MAX, 0);
    static const char *const wrong[] = {
        "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994", "Sun, 06 Now 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 6  Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMTx"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_wait(wrong[i], 1, -1);
}

/* Another way to count: day by day. */
static void each_day_is_counted(void **state)
{
    (void)state;
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                  31};
    int64_t seconds = 0;

    for (int year = 1970; year <= 2405; year++)
        for (int month = 0; month < 12; month++) {
            const bool leap =
                year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            const int days = lengths[month] + (month == 1 && leap);
            for (int day = 1; day <= days; day++, seconds += 86400) {
                char date[64];
                snprintf(date, sizeof date, "Day, %02d %s %d 00:00:01 GMT", day,
                         months[month], year);
                if (seconds > 0)
                    assert_wait(date, seconds, 1000);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_begin_with_the_delay_of_section_7_2_3),
        cmocka_unit_test(a_policy_that_would_hammer_the_server_is_refused),
        cmocka_unit_test(the_longest_wait_doubles_until_the_cap),
        cmocka_unit_test(no_base_cap_or_number_of_tries_overflows),
        cmocka_unit_test(the_count_of_tries_stops_at_its_end),
        cmocka_unit_test(each_wait_is_equally_likely),
        cmocka_unit_test(more_random_bits_are_a_longer_wait),
        cmocka_unit_test(
            a_server_that_drops_every_open_connection_sees_longer_waits),
        cmocka_unit_test(a_stable_connection_makes_the_failures_forgotten),
        cmocka_unit_test(only_time_that_it_was_open_counts_as_stable),
        cmocka_unit_test(two_short_connections_are_not_one_stable),
        cmocka_unit_test(a_clock_that_went_back_counts_as_no_time),
        cmocka_unit_test(it_gives_up_after_as_many_tries_as_were_allowed),
        cmocka_unit_test(a_stable_connection_gives_all_tries_back),
        cmocka_unit_test(without_a_limit_it_never_gives_up),
        cmocka_unit_test(
            close_codes_that_would_only_come_again_forbid_a_return),
        cmocka_unit_test(
            http_statuses_that_say_that_they_stay_forbid_a_return),
        cmocka_unit_test(only_the_callers_mistakes_are_final_statuses),
        cmocka_unit_test(each_of_the_three_can_forbid_it_alone),
        cmocka_unit_test(retry_after_is_read_as_seconds),
        cmocka_unit_test(retry_after_is_read_as_a_date_if_the_time_is_known),
        cmocka_unit_test(each_day_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
