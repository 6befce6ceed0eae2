/* SPDX-License-Identifier: MIT */
/* main.c - the benchmark of compression: options, then every group of rows. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deflate_rows.h"

static const char help[] =
    "bench_deflate - what compressing and decompressing messages costs\n"
    "\n"
    "  --rows PATTERN  only rows that match, as a shell would: 'inflate*',\n"
    "                  '*chat*'; \"GROUP NAME\" is matched\n"
    "  --samples N     samples of each column (21)\n"
    "  --ms N          milliseconds of a sample (3)\n"
    "  --quick         5 samples of 1 ms: does it run?\n"
    "  --json FILE     save all figures\n"
    "\n"
    "Figures are nanoseconds a message, or a byte of hostile input: the\n"
    "minimum of all samples, and the median for upframe. Ratios are of\n"
    "minima.\n";

static unsigned long natural(const char *option, const char *text,
                             unsigned long most)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value == 0 ||
        value > most)
        bench_die("%s takes a number from 1 to %lu", option, most);
    return value;
}

static const char *take_options(struct bench *bench, int argc, char **argv)
{
    const char *json = NULL;

    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--help") == 0) {
            fputs(help, stdout);
            exit(0);
        }
        if (strcmp(name, "--quick") == 0) {
            bench->samples   = 5;
            bench->sample_ns = 1e6;
            continue;
        }
        if (strcmp(name, "--rows") == 0)
            bench->pattern = value;
        else if (strcmp(name, "--samples") == 0)
            bench->samples = natural(name, value, BENCH_SAMPLES);
        else if (strcmp(name, "--ms") == 0)
            bench->sample_ns = 1e6 * (double)natural(name, value, 10000);
        else if (strcmp(name, "--json") == 0)
            json = value;
        else
            bench_die("no option '%s': see --help", name);
        i++;
    }
    return json;
}

int main(int argc, char **argv)
{
    static struct bench bench = {
        .name = "deflate", .samples = 21, .sample_ns = 3e6
    };
    const char *json = take_options(&bench, argc, argv);

    rows_of_inflate(&bench);
    rows_of_hostile_input(&bench);
    rows_of_deflate(&bench);
    if (bench.row_count == 0)
        bench_die("no row was measured: is zlib here, or the pattern wrong?");
    bench_print_totals(&bench);
    if (json != NULL && !bench_write_json(&bench, json))
        bench_die("cannot write %s", json);
    return 0;
}
