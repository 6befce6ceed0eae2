/* SPDX-License-Identifier: MIT */
/* ticker_client_options.c - the command line of ticker_client. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "ticker_client_options.h"
#include "ticker_wire.h"

static const char usage[] =
"usage: ticker_client [option...] [URL] [SYMBOL...]\n"
"Shows the live prices of a ticker_server in a table that updates in place:\n"
"of all symbols, or of those that are named. A connection that is lost is\n"
"opened again. URL is ws://HOST:PORT/PATH, or wss://...\n"
"\n"
"  --host HOST      instead of a URL: ws://HOST:PORT/ (127.0.0.1)\n"
"  --port PORT      (9001)\n"
"  --ca FILE        wss: trust the certificates in FILE (PEM) and no others\n"
"  --count N        stop after N prices (0: never)\n"
"  --lines          no table, but a line SYMBOL PRICE SIZE for each price, as\n"
"                   it is where standard output is no terminal\n"
"  --table          the table, even where it is none\n"
"  --base MS        the first wait after a loss is random, up to MS (1000);\n"
"                   each failure doubles how long a wait may be\n"
"  --cap MS         but none is longer than MS (30000)\n"
"  --attempts N     give up after N returns that led to no stable connection\n"
"                   (0: never)\n"
"  --ping MS        ping a server that is silent for MS (10000; 0: never)\n"
"  --timeout MS     wait no longer than MS for a connection, the handshake,\n"
"                   the answer to a ping (10000)\n"
"  --help           this text\n"
"\n"
"Try it:  ticker_server &  ticker_client ACME BOLT\n"
"         ticker_client --lines --count 100 >prices.txt\n"
"Ctrl-C or SIGTERM says 1001, going away. The exit status is 0 then, and when\n"
"--count was reached; 1 when it gives up, or when the server has said that\n"
"there is no use in coming back (an unknown symbol, HTTP 403, ...), and as\n"
"soon as standard output cannot be written (a pipe that nobody reads any\n"
"more, a full disk), --count or not; 2 when the command line is wrong.\n";

static int refuse(const char *which, const char *what)
{
    fprintf(stderr, "%s: %s; see ticker_client --help\n", which, what);
    return 2;
}

static int point_to_help(void) /* what is wrong was said already */
{
    fputs("see ticker_client --help\n", stderr);
    return 2;
}

/* "subscribe", and all that was named, or "*". */
static int take_symbols(struct ticker_client_options *o, client_loop *l,
                        int count, char **names)
{
    size_t len = (size_t)sprintf(o->subscribe, "subscribe");

    for (int i = 0; i < count; i++) {
        const size_t more = strlen(names[i]);
        if (l->url == NULL && strstr(names[i], "://") != NULL) {
            l->url = names[i];
            continue;
        }
        if (!symbol_is_good(names[i], more))
            return refuse(names[i], "is no symbol, and no URL");
        if (len + 1 + more >= sizeof o->subscribe)
            return refuse(names[i], "too many symbols");
        len += (size_t)sprintf(o->subscribe + len, " %s", names[i]);
    }
    if (strcmp(o->subscribe, "subscribe") == 0)
        strcpy(o->subscribe, "subscribe *");
    return -1;
}

static int take_url(struct ticker_client_options *o, client_loop *l,
                    const char *host, const char *port)
{
    if (l->url != NULL && (host != NULL || port != NULL))
        return refuse(l->url, "give a URL, or --host and --port");
    if (host == NULL)
        host = "127.0.0.1";
    snprintf(o->address, sizeof o->address,
             strchr(host, ':') != NULL ? "ws://[%s]:%s/" : "ws://%s:%s/", host,
             port != NULL ? port : "9001");
    if (l->url == NULL)
        l->url = o->address;
    return -1;
}

static int check_times(const client_loop *l)
{
    upf_backoff trial;

    if (l->timeout == 0)
        return refuse("--timeout", "0 would never succeed");
    if (upf_backoff_init(&trial, &l->policy) != UPF_OK)
        return refuse("--base, --cap", "a wait of 0, or a cap below the base");
    return -1;
}

int ticker_client_read_options(struct ticker_client_options *o, client_loop *l,
                               int argc, char **argv)
{
    enum { CA = 2, NUMBERS, LINES = 100, TABLE, HELP, PORT = 1 };
    static const struct option table[] = {
        {"host", required_argument, NULL, 0},
        {"port", required_argument, NULL, PORT},
        {"ca", required_argument, NULL, CA},
        {"count", required_argument, NULL, NUMBERS},
        {"base", required_argument, NULL, NUMBERS + 1},
        {"cap", required_argument, NULL, NUMBERS + 2},
        {"attempts", required_argument, NULL, NUMBERS + 3},
        {"ping", required_argument, NULL, NUMBERS + 4},
        {"timeout", required_argument, NULL, NUMBERS + 5},
        {"lines", no_argument, NULL, LINES},
        {"table", no_argument, NULL, TABLE},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0}};
    const char *host = NULL, *port = NULL;
    const char **const texts[] = {&host, &port, &l->ca_file};
    uint32_t *const numbers[] = {
        &o->count, &l->policy.base_ms, &l->policy.cap_ms,
        &l->policy.max_tries, &l->config.ping_interval, &l->timeout};
    int value, which = 0;

    while ((value = getopt_long(argc, argv, "", table, &which)) != -1) {
        unsigned long number;
        if (value == HELP) {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        if (value == '?')
            return point_to_help();
        o->lines = o->lines || value == LINES;
        o->table = o->table || value == TABLE;
        if (value < NUMBERS)
            *texts[value] = optarg;
        else if (value < LINES) {
            if (!option_number(table[which].name, optarg, 0, INT32_MAX,
                               &number))
                return point_to_help();
            *numbers[value - NUMBERS] = (uint32_t)number;
        }
        if (value == PORT && !option_number("port", optarg, 1, 65535, &number))
            return point_to_help();
    }
    if (o->lines && o->table)
        return refuse("--lines, --table", "give one of them");
    int status = take_symbols(o, l, argc - optind, argv + optind);
    if (status < 0)
        status = take_url(o, l, host, port);
    return status >= 0 ? status : check_times(l);
}
