/* SPDX-License-Identifier: MIT */
/* bench.c - rows, columns and interleaved samples. */

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

double bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double bench_cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void bench_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *bench_alloc(size_t size)
{
    const size_t pages  = size / 4096 + 1;
    void        *memory = aligned_alloc(4096, 4096 * pages);

    if (memory == NULL)
        bench_die("no memory for %zu bytes", size);
    memset(memory, 0, size); /* so that its pages are there */
    return memory;
}

char *bench_size_text(size_t size, char out[24])
{
    if (size >= 1 << 20 && size % (1 << 20) == 0)
        snprintf(out, 24, "%zu MiB", size >> 20);
    else if (size >= 1 << 10 && size % (1 << 10) == 0)
        snprintf(out, 24, "%zu KiB", size >> 10);
    else
        snprintf(out, 24, "%zu B", size);
    return out;
}

/* ---- Rows --------------------------------------------------------------- */

/* Room for one more row. */
static void make_room(struct bench *bench)
{
    if (bench->row_count < bench->row_room)
        return;
    bench->row_room = bench->row_room ? 2 * bench->row_room : 64;
    bench->rows =
        realloc(bench->rows, bench->row_room * sizeof *bench->rows);
    if (bench->rows == NULL)
        bench_die("no memory for %zu rows", bench->row_room);
}

bool bench_wants(const struct bench *bench, const char *group,
                 const char *name)
{
    char text[2 * BENCH_NAME];

    snprintf(text, sizeof text, "%s %s", group, name);
    return bench->pattern == NULL || fnmatch(bench->pattern, text, 0) == 0;
}

struct bench_row *bench_row(struct bench *bench, const char *group,
                            const char *name, size_t payload, size_t units)
{
    if (!bench_wants(bench, group, name))
        return NULL;
    make_room(bench);

    struct bench_row *row = &bench->rows[bench->row_count++];
    *row = (struct bench_row){.group = group, .payload = payload,
                              .units = units};
    snprintf(row->name, sizeof row->name, "%s", name);
    return row;
}

struct bench_column *bench_add(struct bench_row *row, const char *name,
                               bench_run_fn *run, void *state)
{
    if (row->column_count == BENCH_COLUMNS)
        bench_die("more than %d columns", BENCH_COLUMNS);

    struct bench_column *column = &row->columns[row->column_count++];
    *column = (struct bench_column){.name = name, .run = run, .state = state};
    if (row->subject == NULL && strcmp(name, "floor") != 0)
        row->subject = name;
    return column;
}

void bench_target(struct bench_row *row, const char *column, const char *peer,
                  double most)
{
    if (row->target_count == BENCH_TARGETS)
        bench_die("more than %d targets", BENCH_TARGETS);
    row->targets[row->target_count++] =
        (struct bench_target){.column = column, .peer = peer, .most = most};
}

const struct bench_column *bench_find(const struct bench_row *row,
                                      const char             *column)
{
    for (size_t i = 0; i < row->column_count; i++)
        if (strcmp(row->columns[i].name, column) == 0)
            return &row->columns[i];
    return NULL;
}

double bench_target_value(const struct bench_row    *row,
                          const struct bench_target *target)
{
    const struct bench_column *column =
        bench_find(row, target->column ? target->column : row->subject);

    if (column == NULL)
        return -1;
    if (target->peer == NULL)
        return column->min;
    const struct bench_column *peer = bench_find(row, target->peer);
    return peer ? column->min / peer->min : -1;
}

/* ---- Measuring ---------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Find how many passes are a sample; that warms the column up, too. */
static void size_up(struct bench_column *column, double sample_ns)
{
    uint64_t passes = 1;
    double   took   = column->run(column->state, passes);

    while (took < sample_ns / 4 && passes < (uint64_t)1 << 40) {
        passes *= 2;
        took = column->run(column->state, passes);
    }
    const double wanted = sample_ns / (took / (double)passes);
    column->passes = wanted < 1 ? 1 : (uint64_t)wanted + 1;
}

/* A processor that was idle takes its time to come up to speed, and the first
 * row is not to pay for it: do that row's work for a while. */
static void warm_up(const struct bench_row *row, double ns)
{
    for (const double start = bench_now(); bench_now() - start < ns;)
        for (size_t i = 0; i < row->column_count; i++)
            row->columns[i].run(row->columns[i].state, 1);
}

/* Nanoseconds a unit. What another column left behind, in the caches and in the
 * allocator, costs the first passes; they are not counted. */
static double sample(const struct bench_column *column, size_t row_units)
{
    const size_t units = column->units ? column->units : row_units;

    column->run(column->state, column->passes / 8 + 1);
    return column->run(column->state, column->passes) /
           (double)column->passes / (double)units;
}

void bench_measure(struct bench *bench, struct bench_row *row)
{
    static double samples[BENCH_COLUMNS][BENCH_SAMPLES];

    if (row == bench->rows)
        warm_up(row, 100 * bench->sample_ns);
    for (size_t i = 0; i < row->column_count; i++)
        size_up(&row->columns[i], bench->sample_ns);
    for (size_t s = 0; s < bench->samples; s++)
        for (size_t i = 0; i < row->column_count; i++)
            samples[i][s] = sample(&row->columns[i], row->units);
    for (size_t i = 0; i < row->column_count; i++) {
        qsort(samples[i], bench->samples, sizeof samples[i][0], ascending);
        row->columns[i].min    = samples[i][0];
        row->columns[i].median = samples[i][bench->samples / 2];
    }
    bench_print(bench, row);
}
