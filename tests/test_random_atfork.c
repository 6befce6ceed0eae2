/* SPDX-License-Identifier: MIT */
/* test_random_atfork.c - forks cannot be seen: then no batch is kept. */

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

#include "random.h"

/* A program of its own, because the library asks once in a process' life. The
 * linker takes what follows before the C library's. */

static uint64_t given; /* bytes of the generator, which are 0, 1, 2, ... */
static bool     broken;
static bool     tests_run; /* a sanitizer may have handlers of its own */
static size_t   watches;

static bool generate(uint8_t *out, size_t len)
{
    errno = EIO;
    for (size_t i = 0; !broken && i < len; i++)
        out[i] = (uint8_t)given++;
    return !broken;
}

#if defined(__linux__)
ssize_t getrandom(void *out, size_t len, unsigned flags)
{
    (void)flags;
    return generate(out, len) ? (ssize_t)len : -1;
}
#else
int getentropy(void *out, size_t len)
{
    return generate(out, len) ? 0 : -1;
}
#endif

int pthread_atfork(void (*prepare)(void), void (*parent)(void),
                   void (*child)(void))
{
    (void)prepare;
    (void)parent;
    (void)child;
    watches += tests_run;
    return tests_run ? ENOMEM : 0;
}

static void every_draw_is_the_systems_and_nothing_is_kept(void **state)
{
    (void)state;
    given = 0;
    for (size_t len = 0; len < 2000; len += 1 + len / 8) {
        uint8_t        out[2000];
        const uint64_t before = given;

        assert_true(upf_random(NULL, out, len));
        assert_int_equal(given, before + len);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(out[i], (uint8_t)(before + i));
    }
    assert_int_equal(watches, 1);
}

static void a_generator_that_fails_is_believed_here_too(void **state)
{
    (void)state;
    uint8_t out[16];

    broken = true;
    assert_false(upf_random(NULL, out, 4));
    assert_false(upf_random(NULL, out, sizeof out));
    broken = false;
    assert_true(upf_random(NULL, out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_draw_is_the_systems_and_nothing_is_kept),
        cmocka_unit_test(a_generator_that_fails_is_believed_here_too),
    };

    tests_run = true;
    return cmocka_run_group_tests_name("random atfork", tests, NULL, NULL);
}
