/* SPDX-License-Identifier: MIT */
/* test_random_atfork.c - forks cannot be seen: then no batch is kept. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#include <sys/random.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "random.h"

/* The library asks once in a process' life: so each test is a process. The
 * linker takes what follows before the C library's. */

static uint64_t given; /* bytes of the generator, which are 0, 1, 2, ... */
static bool     broken;
static bool     takes_any_advice; /* as emulators do, and heeds none */
static size_t   watches;

static bool generate(uint8_t *out, size_t len)
{
    errno = EIO;
    for (size_t i = 0; !broken && i < len; i++)
        out[i] = (uint8_t)given++;
    return !broken;
}

static int advise(void)
{
    watches++;
    errno = EINVAL;
    return takes_any_advice ? 0 : -1;
}

#if defined(__linux__)
ssize_t getrandom(void *out, size_t len, unsigned flags)
{
    (void)flags;
    return generate(out, len) ? (ssize_t)len : -1;
}

int madvise(void *page, size_t len, int advice)
{
    (void)page;
    (void)len;
    (void)advice;
    return advise();
}
#else
int getentropy(void *out, size_t len)
{
    return generate(out, len) ? 0 : -1;
}

int minherit(void *page, size_t len, int inherit)
{
    (void)page;
    (void)len;
    (void)inherit;
    takes_any_advice = false;
    return advise();
}
#endif

static bool each_draw_is_the_generators(void)
{
    for (size_t len = 0; len < 2000; len += 1 + len / 8) {
        uint8_t        out[2000];
        const uint64_t before = given;

        if (!upf_random(NULL, out, len) || given != before + len)
            return false;
        for (size_t i = 0; i < len; i++)
            if (out[i] != (uint8_t)(before + i))
                return false;
    }
    return true;
}

static bool a_failure_is_believed(void)
{
    uint8_t out[16];
    bool    drawn;

    broken = true;
    drawn  = upf_random(NULL, out, 4) || upf_random(NULL, out, sizeof out);
    broken = false;
    return !drawn && upf_random(NULL, out, sizeof out);
}

static void assert_true_in_a_child(bool (*test)(void))
{
    int         status = 1;

    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) { /* exit(), so that what it ran is counted by coverage */
        watches = 0;
        exit(test() ? watches > 0 && watches < 3 ? 0 : 2 : 1);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void every_draw_is_the_systems_and_nothing_is_kept(void **state)
{
    (void)state;
    takes_any_advice = false;
    assert_true_in_a_child(each_draw_is_the_generators);
}

static void a_system_that_takes_any_advice_is_not_believed(void **state)
{
    (void)state;
    takes_any_advice = true;
    assert_true_in_a_child(each_draw_is_the_generators);
}

static void a_generator_that_fails_is_believed_here_too(void **state)
{
    (void)state;
    takes_any_advice = false;
    assert_true_in_a_child(a_failure_is_believed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_draw_is_the_systems_and_nothing_is_kept),
        cmocka_unit_test(a_system_that_takes_any_advice_is_not_believed),
        cmocka_unit_test(a_generator_that_fails_is_believed_here_too),
    };

    return cmocka_run_group_tests_name("random atfork", tests, NULL, NULL);
}
