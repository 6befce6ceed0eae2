/* SPDX-License-Identifier: MIT */
/* child.c - a program that runs beside the test, and what it prints. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "rawserver.h"

void child_start(struct child *c, char *const argv[])
{
    int ends[2];

    assert_int_equal(c->pid, 0);
    assert_int_equal(c->output, -1);
    assert_int_equal(pipe(ends), 0);
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    c->pid = fork();
    assert_true(c->pid >= 0);
    if (c->pid == 0) {
        dup2(c->out != 0 ? c->out : ends[1], STDOUT_FILENO);
        if (c->errors)
            dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        execv(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    close(ends[1]);
    c->output   = ends[0];
    c->text_len = 0;
    c->line[0]  = '\0';
}

/* The next line of c->text, if there is a whole one. */
static bool take_line(struct child *c)
{
    const char *end = memchr(c->text, '\n', c->text_len);

    if (end == NULL)
        return false;
    const size_t len = (size_t)(end - c->text);
    memcpy(c->line, c->text, len);
    c->line[len] = '\0';
    c->text_len -= len + 1;
    memmove(c->text, end + 1, c->text_len);
    return true;
}

bool child_line(struct child *c, int ms)
{
    while (!take_line(c)) {
        assert_true(c->text_len < sizeof c->text);
        if (!readable(c->output, ms))
            return false;
        const ssize_t n = read(c->output, c->text + c->text_len,
                               sizeof c->text - c->text_len);
        if (n <= 0)
            fail_msg("the child is gone; its last line: %s", c->line);
        c->text_len += (size_t)n;
    }
    return true;
}

int child_closed_pipe(void)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return ends[1];
}

int child_full_device(void)
{
    return open("/dev/full", O_WRONLY | O_CLOEXEC);
}

void child_signal(struct child *c, int number)
{
    assert_int_equal(kill(c->pid, number), 0);
}

void child_stop(struct child *c)
{
    int status;

    child_signal(c, SIGSTOP);
    assert_int_equal(waitpid(c->pid, &status, WUNTRACED), c->pid);
    assert_true(WIFSTOPPED(status));
}

/* ---- Asleep ----------------------------------------------------------- */

/* What Linux tells of a process that sleeps begins with the number of the
 * system call that it sleeps in. poll() is another one after a SIGCONT. */
static bool is_wait(long call)
{
    static const long waits[] = {
#ifdef SYS_poll
        SYS_poll,
#endif
#ifdef SYS_ppoll
        SYS_ppoll,
#endif
#ifdef SYS_ppoll_time64
        SYS_ppoll_time64,
#endif
#ifdef SYS_epoll_wait
        SYS_epoll_wait,
#endif
#ifdef SYS_epoll_pwait
        SYS_epoll_pwait,
#endif
#ifdef SYS_restart_syscall
        SYS_restart_syscall,
#endif
        -1};

    for (const long *wait = waits; *wait >= 0; wait++)
        if (*wait == call)
            return true;
    return false;
}

static bool read_call(const struct child *c, char *text, int size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%ld/syscall", (long)c->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    const bool ok = fgets(text, size, file) != NULL;
    fclose(file);
    return ok;
}

void child_await_asleep(const struct child *c)
{
    enum { A_WHILE = 50 };
    char text[256], *end;

    for (int ms = 0; read_call(c, text, sizeof text); ms++) {
        const long call = strtol(text, &end, 10); /* or it is "running" */
        if (end != text && is_wait(call))
            return;
        if (ms > PATIENCE)
            fail_msg("the child finds no rest: %s", text);
        (void)poll(NULL, 0, 1);
    }
    (void)poll(NULL, 0, A_WHILE);
}

/* ---- The end ---------------------------------------------------------- */

int child_exit_status(struct child *c)
{
    char none[1];

    return child_rest(c, none, sizeof none);
}

int child_rest(struct child *c, char *text, size_t size)
{
    int     status;
    size_t  len = c->text_len;
    ssize_t n;

    assert_true(len < size);
    memcpy(text, c->text, len);
    for (;;) {
        char byte;
        assert_true(readable(c->output, PATIENCE));
        if ((n = read(c->output, &byte, 1)) <= 0)
            break;
        assert_true(len < size - 1);
        text[len++] = byte;
    }
    assert_int_equal(n, 0);
    text[len]   = '\0';
    c->text_len = 0;
    close(c->output);
    c->output = -1;
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    c->pid = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void child_end(struct child *c)
{
    if (c->pid > 0) {
        kill(c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
    }
    if (c->output >= 0)
        close(c->output);
    c->pid    = 0;
    c->output = -1;
}

size_t child_descriptors(const struct child *c)
{
    char   path[64];
    size_t count = 0;

    snprintf(path, sizeof path, "/proc/%ld/fd", (long)c->pid);
    DIR *dir = opendir(path);
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count;
}

unsigned long child_processor_time(const struct child *c)
{
    struct timespec t = {0};
    clockid_t clock;

    if (clock_getcpuclockid(c->pid, &clock) == 0)
        (void)clock_gettime(clock, &t);
    return (unsigned long)t.tv_sec * 1000 +
           (unsigned long)t.tv_nsec / 1000000;
}

unsigned long child_memory(const struct child *c)
{
    char path[64], line[128];
    unsigned long size = 0;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)c->pid);
    FILE *in = fopen(path, "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        if (sscanf(line, "VmRSS: %lu", &size) == 1)
            break;
    if (in != NULL)
        fclose(in);
    return size;
}
