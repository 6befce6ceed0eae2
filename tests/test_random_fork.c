/* SPDX-License-Identifier: MIT */
/* test_random_fork.c - a child's random bytes are not its parent's. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random.h"

static void a_forked_child_does_not_repeat_its_parents_bytes(void **state)
{
    (void)state;
    uint8_t before[16], parent[16], child[16], grandchild[16];
    int     pipes[2];

    assert_true(upf_random(NULL, before, sizeof before)); /* a batch is here */
    assert_int_equal(pipe(pipes), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        bool ok = upf_random(NULL, child, sizeof child) &&
                  write(pipes[1], child, sizeof child) == sizeof child;
        const pid_t next = fork();
        if (next == 0) {
            ok = upf_random(NULL, grandchild, sizeof grandchild) &&
                 write(pipes[1], grandchild, sizeof grandchild) ==
                     sizeof grandchild;
            _exit(ok ? 0 : 1);
        }
        int status = 1;
        ok = ok && waitpid(next, &status, 0) == next && status == 0;
        /* What the child draws after its own fork is not the grandchild's. */
        ok = ok && upf_random(NULL, child, sizeof child) &&
             write(pipes[1], child, sizeof child) == sizeof child;
        _exit(ok ? 0 : 1);
    }
    assert_true(pid > 0);
    assert_true(upf_random(NULL, parent, sizeof parent));
    int status = 1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    uint8_t draws[4][16];
    memcpy(draws[0], parent, sizeof parent);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(read(pipes[0], draws[i], 16), 16);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(draws[i], draws[j], 16);
    close(pipes[0]);
    close(pipes[1]);
}

static void *draw_16(void *out)
{
    return upf_random(NULL, out, 16) ? out : NULL;
}

/* A thread of the child that draws first sees the fork; so does, after it, the
 * thread that forked and has the parent's batch. */
static void nor_does_it_behind_a_thread_of_its_own(void **state)
{
    (void)state;
    uint8_t draws[48];
    int     pipes[2], status = 1;

    assert_true(upf_random(NULL, draws, 16));
    assert_int_equal(pipe(pipes), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        void     *drawn = NULL;
        const bool ok =
            pthread_create(&thread, NULL, draw_16, draws + 16) == 0 &&
            pthread_join(thread, &drawn) == 0 && drawn != NULL &&
            upf_random(NULL, draws + 32, 16) &&
            write(pipes[1], draws + 16, 32) == 32;
        _exit(ok ? 0 : 1);
    }
    assert_true(pid > 0);
    assert_true(upf_random(NULL, draws, 16));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(pipes[0], draws + 16, 32), 32);
    assert_memory_not_equal(draws, draws + 16, 16);
    assert_memory_not_equal(draws, draws + 32, 16);
    assert_memory_not_equal(draws + 16, draws + 32, 16);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forked_child_does_not_repeat_its_parents_bytes),
        cmocka_unit_test(nor_does_it_behind_a_thread_of_its_own),
    };

    return cmocka_run_group_tests_name("random_fork", tests, NULL, NULL);
}
