/* SPDX-License-Identifier: MIT */
/* bench.h - rows of a benchmark: measured, printed, saved and drawn. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_COLUMNS = 10,
    BENCH_TARGETS = 4,
    BENCH_NAME    = 40,
    BENCH_SAMPLES = 501
};

/* Do the row's work `passes` times; returns the nanoseconds that it took. */
typedef double bench_run_fn(void *state, uint64_t passes);

/* One way to do it. */
struct bench_column {
    const char   *name;
    bench_run_fn *run;
    void         *state;
    size_t        units;       /* in one pass; 0: the row's */
    double        min, median; /* nanoseconds per unit */
    uint64_t      passes;      /* in one sample */
};

/* A figure to reach: `column` costs at most so much. */
struct bench_target {
    const char *column; /* NULL: the row's subject */
    const char *peer;   /* times this column; NULL: nanoseconds */
    double      most;
};

struct bench_row {
    const char *group;            /* "receive" */
    char        name[BENCH_NAME]; /* "16 B binary" */
    const char *series;           /* the plot's panel; NULL: not drawn */
    size_t      payload;          /* bytes */
    size_t      units;            /* frames, or calls, in one pass */
    const char *subject;          /* the column that ratios are of */

    struct bench_column columns[BENCH_COLUMNS];
    size_t              column_count;
    struct bench_target targets[BENCH_TARGETS];
    size_t              target_count;
};

struct bench {
    const char       *name;      /* "inprocess" */
    const char       *pattern;   /* rows wanted, "*1 KiB*"; NULL: all */
    size_t            samples;   /* of each column */
    double            sample_ns; /* how long each is, at least */
    size_t            stream_bytes; /* a master stream, at least */
    size_t            connections;  /* of a cold row */
    struct bench_row *rows;
    size_t            row_count, row_room;
};

/* ---- bench.c: measuring ------------------------------------------------- */

/* Nanoseconds of a clock that nobody adjusts. */
double bench_now(void);

/* Nanoseconds that this thread had a processor: for work that calls nobody, where
 * others use the machine, too. */
double bench_cpu_now(void);

/* Memory that begins a page, or the end of the program. */
void *bench_alloc(size_t size);

/* The program ends, with a message. */
void bench_die(const char *format, ...);

/* "16 B", "1 KiB", "1 MiB". Returns `out`. */
char *bench_size_text(size_t size, char out[24]);

/* Whether the user asked for such a row. */
bool bench_wants(const struct bench *bench, const char *group,
                 const char *name);

/*
 * Begin a row. NULL if the user did not ask for it: then leave it out. `units`
 * is what a pass consists of. The row moves when the next one is begun.
 */
struct bench_row *bench_row(struct bench *bench, const char *group,
                            const char *name, size_t payload, size_t units);

/*
 * The first column that is not called "floor" is the subject. Returns the
 * column: what is compared with another row's work has that work as a column,
 * with units of its own, so that both are measured in turn.
 */
struct bench_column *bench_add(struct bench_row *row, const char *name,
                               bench_run_fn *run, void *state);
void bench_target(struct bench_row *row, const char *column, const char *peer,
                  double most);

/*
 * Measure a row, and print it. Each column is tried once and sized so that a
 * sample is long enough; then one sample of each column follows another, so
 * that what disturbs the machine disturbs them all.
 */
void bench_measure(struct bench *bench, struct bench_row *row);

const struct bench_column *bench_find(const struct bench_row *row,
                                      const char             *column);

/* The value that a target limits; negative if the row lacks a column of it. */
double bench_target_value(const struct bench_row    *row,
                          const struct bench_target *target);

/* ---- report.c, plot.c --------------------------------------------------- */

/* A row of the table, under a new head where the columns change. */
void bench_print(const struct bench *bench, const struct bench_row *row);

/* How many targets are met and missed. */
void bench_print_totals(const struct bench *bench);

/* Write all rows to a file; false if that failed. */
bool bench_write_json(const struct bench *bench, const char *path);
bool bench_write_svg(const struct bench *bench, const char *path);

/* ---- What is measured --------------------------------------------------- */

void bench_receive(struct bench *bench);
void bench_send(struct bench *bench);
void bench_cold(struct bench *bench);
void bench_handshake(struct bench *bench);
void bench_primitives(struct bench *bench);

/* Nothing that the compiler knows of memory survives this. */
#define BENCH_CLOBBER() __asm__ volatile("" ::: "memory")

/* Somebody may have read what this points to. */
#define BENCH_SEEN(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

/* The compiler knows nothing of this integer any more. */
#define BENCH_HIDE(integer) __asm__ volatile("" : "+r"(integer))

#endif
