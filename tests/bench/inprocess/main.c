/* SPDX-License-Identifier: MIT */
/* main.c - the in-process benchmark: options, then every group of rows. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "bench.h"

static const char help[] =
    "bench_inprocess - what frames and handshakes cost, without a network\n"
    "\n"
    "  --rows PATTERN  only rows that match, as a shell would: '*1 KiB*',\n"
    "                  'receive*'; \"GROUP NAME\" is matched\n"
    "  --samples N     samples of each column (21)\n"
    "  --ms N          milliseconds of a sample (3)\n"
    "  --stream N      KiB of a receive row's stream, at least (256)\n"
    "  --connections N connections of the cold row (1000000)\n"
    "  --quick         5 samples of 1 ms, 100000 connections: does it run?\n"
    "  --json FILE     save all figures\n"
    "  --svg FILE      draw cost against payload size\n"
    "\n"
    "Figures are nanoseconds per frame (or call): the minimum of all samples,\n"
    "and the median for upframe. Ratios are of minima.\n";

struct options {
    const char *json, *svg;
};

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

/* Options that take a value: false if `name` is none of them. */
static bool take_value(struct bench *bench, struct options *options,
                       const char *name, const char *value)
{
    if (strcmp(name, "--rows") == 0)
        bench->pattern = value;
    else if (strcmp(name, "--samples") == 0)
        bench->samples = natural(name, value, BENCH_SAMPLES);
    else if (strcmp(name, "--ms") == 0)
        bench->sample_ns = 1e6 * (double)natural(name, value, 10000);
    else if (strcmp(name, "--stream") == 0)
        bench->stream_bytes = 1024 * natural(name, value, 1 << 20);
    else if (strcmp(name, "--connections") == 0)
        bench->connections = natural(name, value, 100000000);
    else if (strcmp(name, "--json") == 0)
        options->json = value;
    else if (strcmp(name, "--svg") == 0)
        options->svg = value;
    else
        return false;
    return true;
}

static void take_options(struct bench *bench, struct options *options,
                         int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            exit(0);
        }
        if (strcmp(argv[i], "--quick") == 0) {
            bench->samples     = 5;
            bench->sample_ns   = 1e6;
            bench->connections = 100000;
        } else if (i + 1 < argc &&
                   take_value(bench, options, argv[i], argv[i + 1])) {
            i++;
        } else {
            bench_die("no option '%s', or no value for it: see --help",
                      argv[i]);
        }
    }
}

/*
 * What is freed stays with the process. glibc would give it back to the system
 * or not by what the rows before it did, and a row of long messages would
 * measure page faults or not.
 */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_MMAP_THRESHOLD, 32 << 20); /* its most */
#endif
}

int main(int argc, char **argv)
{
    static struct bench bench = {.name         = "inprocess",
                                 .samples      = 21,
                                 .sample_ns    = 3e6,
                                 .stream_bytes = 256 * 1024,
                                 .connections  = 1000000};
    struct options options = {0};

    take_options(&bench, &options, argc, argv);
    keep_memory();
    bench_receive(&bench);
    bench_send(&bench);
    bench_cold(&bench);
    bench_handshake(&bench);
    bench_primitives(&bench);
    if (bench.row_count == 0)
        bench_die("no row that matches '%s' was measured", bench.pattern);
    bench_print_totals(&bench);
    if (options.json && !bench_write_json(&bench, options.json))
        bench_die("cannot write %s", options.json);
    if (options.svg && !bench_write_svg(&bench, options.svg))
        bench_die("cannot write %s", options.svg);
    return 0;
}
