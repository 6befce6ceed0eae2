/* SPDX-License-Identifier: MIT */
/* test_backoff.c - whether and when a client comes back. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
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

static void http_statuses_that_will_not_change_forbid_a_return(void **state)
{
    (void)state;
    static const int passing[] = {0, 101, 408, 425, 429};

    for (int http = -1; http <= 1000; http++)
        assert_int_equal(upf_may_return(UPF_ERR_RESPONSE, 1006, http),
                         is_one_of(http, passing, COUNT(passing)) ||
                             (http >= 500 && http < 600));
}

static void what_a_lost_transport_or_time_explains_allows_a_return(void **state)
{
    (void)state;
    static const int passing[] = {
        UPF_OK, UPF_ERR_RESPONSE, UPF_ERR_EOF, UPF_ERR_IO,
        UPF_ERR_HANDSHAKE_TIMEOUT, UPF_ERR_PONG_TIMEOUT,
        UPF_ERR_CLOSE_TIMEOUT, UPF_ERR_NO_MEMORY, UPF_ERR_RANDOM,
    };

    for (int status = UPF_STATUS_LAST; status <= UPF_OK; status++)
        assert_int_equal(upf_may_return((upf_status)status, 1006, 0),
                         is_one_of(status, passing, COUNT(passing)));
}

static void each_of_the_three_can_forbid_it_alone(void **state)
{
    (void)state;
    assert_true(upf_may_return(UPF_ERR_EOF, 1006, 101));
    assert_true(upf_may_return(UPF_ERR_EOF, 0, 0));
    assert_true(upf_may_return(UPF_ERR_RESPONSE, 1006, 503));

    assert_false(upf_may_return(UPF_ERR_UTF8, 1006, 101));
    assert_false(upf_may_return(UPF_ERR_EOF, 1008, 101));
    assert_false(upf_may_return(UPF_ERR_EOF, 1006, 403));
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
        cmocka_unit_test(http_statuses_that_will_not_change_forbid_a_return),
        cmocka_unit_test(
            what_a_lost_transport_or_time_explains_allows_a_return),
        cmocka_unit_test(each_of_the_three_can_forbid_it_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
