/* SPDX-License-Identifier: MIT */
/* report.c - the rows as a table for people and as JSON for programs. */

#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "kernels.h"

static bool is_kernel(const struct bench_row *row, size_t i)
{
    for (size_t k = 0; k < kernel_count(); k++)
        if (strcmp(row->columns[i].name, kernel_name(k)) == 0)
            return true;
    return false;
}

/* ---- The table ---------------------------------------------------------- */

static const char *number(double ns, char out[16])
{
    snprintf(out, 16, ns < 99.95 ? "%.2f" : ns < 9999.5 ? "%.1f" : "%.0f", ns);
    return out;
}

/* "1.53", or "1/12.1" for what is far cheaper. */
static const char *ratio(double value, char out[16])
{
    if (value > 0 && value < 0.5)
        snprintf(out, 16, "1/%.1f", 1 / value);
    else
        snprintf(out, 16, value < 99.95 ? "%.2f" : "%.0f", value);
    return out;
}

static bool same_columns(const struct bench_row *a, const struct bench_row *b)
{
    if (strcmp(a->group, b->group) != 0 || a->column_count != b->column_count)
        return false;
    for (size_t i = 0; i < a->column_count; i++)
        if (strcmp(a->columns[i].name, b->columns[i].name) != 0)
            return false;
    return true;
}

/* Columns are as wide as their heads, 8 characters at least: figures stand
 * below the name of the column, ratios below "x" and the name. */
static int width(const struct bench_row *row, size_t i, size_t before)
{
    const size_t len = before + strlen(row->columns[i].name);

    return len < 8 ? 8 : (int)len;
}

static void print_head(const struct bench_row *row)
{
    char name[2 * BENCH_NAME];

    snprintf(name, sizeof name, "%s, ns", row->group);
    printf("\n%-36s", name);
    for (size_t i = 0; i < row->column_count; i++)
        printf(" %*s", width(row, i, 0), row->columns[i].name);
    printf(" %8s", "(median)");
    for (size_t i = 0; i < row->column_count; i++)
        if (!is_kernel(row, i)) {
            snprintf(name, sizeof name, "x %s", row->columns[i].name);
            printf(" %*s", width(row, i, 2), name);
        }
    printf("  target\n");
}

static void print_target(const struct bench_row    *row,
                         const struct bench_target *target)
{
    char         text[16];
    const double value = bench_target_value(row, target);

    if (value < 0) /* that peer, or that kernel, is not here */
        return;
    printf("  %s%s<= ", target->column ? target->column : "",
           target->column ? " " : "");
    if (target->peer == NULL)
        printf("%s ns", number(target->most, text));
    else
        printf("%s %s", ratio(target->most, text), target->peer);
    printf(" %s", value <= target->most ? "ok" : "OVER");
}

void bench_print(const struct bench *bench, const struct bench_row *row)
{
    char text[16];

    if (row == bench->rows || !same_columns(row, row - 1))
        print_head(row);
    printf("%-36s", row->name);
    for (size_t i = 0; i < row->column_count; i++)
        printf(" %*s", width(row, i, 0), number(row->columns[i].min, text));
    const struct bench_column *subject = bench_find(row, row->subject);
    printf(" %8s", number(subject->median, text));
    for (size_t i = 0; i < row->column_count; i++)
        if (!is_kernel(row, i))
            printf(" %*s", width(row, i, 2),
                   ratio(subject->min / row->columns[i].min, text));
    for (size_t i = 0; i < row->target_count; i++)
        print_target(row, &row->targets[i]);
    putchar('\n');
    fflush(stdout);
}

void bench_print_totals(const struct bench *bench)
{
    size_t met = 0, missed = 0, unknown = 0;

    for (size_t r = 0; r < bench->row_count; r++)
        for (size_t i = 0; i < bench->rows[r].target_count; i++) {
            const struct bench_target *t = &bench->rows[r].targets[i];
            const double value = bench_target_value(&bench->rows[r], t);

            unknown += value < 0;
            met     += value >= 0 && value <= t->most;
            missed  += value > t->most;
        }
    printf("\ntargets: %zu met, %zu missed, %zu without their column\n", met,
           missed, unknown);
}

/* ---- JSON --------------------------------------------------------------- */

static void json_columns(FILE *file, const struct bench_row *row)
{
    for (size_t i = 0; i < row->column_count; i++)
        fprintf(file, "%s\"%s\": {\"min\": %.4f, \"median\": %.4f}",
                i ? ", " : "", row->columns[i].name, row->columns[i].min,
                row->columns[i].median);
}

static void json_targets(FILE *file, const struct bench_row *row)
{
    for (size_t i = 0; i < row->target_count; i++) {
        const struct bench_target *t     = &row->targets[i];
        const double               value = bench_target_value(row, t);

        fprintf(file, "%s{\"column\": \"%s\", \"of\": \"%s\", \"most\": %.5f",
                i ? ", " : "", t->column ? t->column : row->subject,
                t->peer ? t->peer : "ns", t->most);
        if (value >= 0)
            fprintf(file, ", \"value\": %.5f, \"met\": %s", value,
                    value <= t->most ? "true" : "false");
        fputc('}', file);
    }
}

bool bench_write_json(const struct bench *bench, const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        return false;
    fprintf(file, "{\"benchmark\": \"%s\", \"unit\": \"ns\", "
                  "\"samples\": %zu, \"sample_ns\": %.0f,\n \"rows\": [\n",
            bench->name, bench->samples, bench->sample_ns);
    for (size_t r = 0; r < bench->row_count; r++) {
        const struct bench_row *row = &bench->rows[r];

        fprintf(file, "  {\"group\": \"%s\", \"name\": \"%s\", "
                      "\"payload\": %zu, \"units\": %zu,\n   \"columns\": {",
                row->group, row->name, row->payload, row->units);
        json_columns(file, row);
        fprintf(file, "},\n   \"targets\": [");
        json_targets(file, row);
        fprintf(file, "]}%s\n", r + 1 < bench->row_count ? "," : "");
    }
    fprintf(file, " ]\n}\n");
    return fclose(file) == 0;
}
