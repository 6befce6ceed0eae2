/* SPDX-License-Identifier: MIT */
/* notify_client_options.c - the command line of notify_client. */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "notify_client_options.h"

static const char usage[] =
"usage: notify_client [option...] [URL]\n"
"Prints the events of a notify_server as they happen, and stays connected:\n"
"what happened while the connection was lost is printed when it is back,\n"
"nothing twice. URL is ws://HOST:PORT/ (ws://127.0.0.1:9001/), or wss://...\n"
"\n"
"  --topic TOPIC    follow this one (repeatable; without it, all)\n"
"  --count N        stop after N new events (0: never)\n"
"  --table          a line for each topic, updated in place\n"
"  --ids            print each event's id\n"
"  --since ID       begin with what came after that one\n"
"  --ca FILE        wss: trust the certificates in FILE (PEM) and no others\n"
"  --base MS        the first wait before a new attempt is random, up to MS\n"
"                   (1000); each failure doubles how long a wait may be\n"
"  --cap MS         but none is longer than MS (30000)\n"
"  --attempts N     give up after N returns that led to no stable connection\n"
"                   (0: never)\n"
"  --ping MS        ping a server that is silent for MS (30000; 0: never)\n"
"  --timeout MS     wait no longer than MS for a connection, the handshake,\n"
"                   the answer to a ping (10000)\n"
"  --help           this text\n"
"\n"
"A line is one of\n"
"  event TIME TOPIC TEXT   it happened\n"
"  state TIME TOPIC TEXT   the topic's last event, from before we came\n"
"  gap WHY                 events may have been lost; the server says so\n"
"Each change of the connection is a line on standard error.\n"
"\n"
"The exit status is 0 after --count events, or after Ctrl-C or SIGTERM; 3 if\n"
"there was a gap before that; 1 when it gives up, or when the server has said\n"
"that there is no use in coming back, and as soon as standard output cannot\n"
"be written (a pipe that nobody reads any more, a full disk), gap or not;\n"
"2 for a wrong option.\n"
"\n"
"Try it:  (sleep 5; echo builds go) | notify_server &\n"
"         notify_client --topic builds --count 1 && make\n";

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s; see notify_client --help\n", what, why);
    return 2;
}

static bool take_topic(struct options *o, const char *text)
{
    const upf_str name = {text, strlen(text)};

    if (topic_name_is_good(name) || strcmp(text, "*") == 0)
        return option_append(&o->topics, "topic", text);
    fputs("--topic: up to 64 letters, digits, any of . _ -, or *\n", stderr);
    return false;
}

static bool take_since(struct options *o, const char *text)
{
    const size_t len = strlen(text);

    if (len > 0 && len < sizeof o->since &&
        strspn(text, "0123456789abcdef-") == len) {
        memcpy(o->since, text, len + 1);
        return true;
    }
    fputs("--since: an id is as --ids prints it\n", stderr);
    return false;
}

static bool take(struct options *o, client_loop *l, int letter,
                 const char *name)
{
    unsigned long number;

    switch (letter) {
    case 't': return take_topic(o, optarg);
    case 's': return take_since(o, optarg);
    case 'c': l->ca_file = optarg; return true;
    case 'T': o->table = true; return true;
    case 'i': o->ids = true; return true;
    case '?': return false;
    default: break;
    }
    if (!option_number(name, optarg, 0, INT32_MAX, &number))
        return false;
    switch (letter) {
    case 'n': o->count = number; break;
    case 'b': l->policy.base_ms = (uint32_t)number; break;
    case 'C': l->policy.cap_ms = (uint32_t)number; break;
    case 'a': l->policy.max_tries = (uint32_t)number; break;
    case 'p': l->config.ping_interval = (uint32_t)number; break;
    default: l->timeout = (uint32_t)number; break;
    }
    return true;
}

static int check(const client_loop *l)
{
    upf_backoff trial;

    if (upf_backoff_init(&trial, &l->policy) != UPF_OK)
        return refuse("--base, --cap", "a wait of 0, or a cap below the base");
    if (l->timeout == 0)
        return refuse("--timeout", "0 would never succeed");
    return -1;
}

int read_options(struct options *o, client_loop *l, int argc, char **argv)
{
    static const struct option table[] = {
        {"topic", required_argument, NULL, 't'},
        {"count", required_argument, NULL, 'n'},
        {"table", no_argument, NULL, 'T'},
        {"ids", no_argument, NULL, 'i'},
        {"since", required_argument, NULL, 's'},
        {"ca", required_argument, NULL, 'c'},
        {"base", required_argument, NULL, 'b'},
        {"cap", required_argument, NULL, 'C'},
        {"attempts", required_argument, NULL, 'a'},
        {"ping", required_argument, NULL, 'p'},
        {"timeout", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'H'},
        {NULL, 0, NULL, 0}};
    int letter, which = 0;

    *o     = (struct options){.since = "-"};
    l->url = "ws://127.0.0.1:9001/";
    while ((letter = getopt_long(argc, argv, "", table, &which)) != -1) {
        if (letter == 'H') {
            fputs(usage, stdout);
            return 0;
        }
        if (!take(o, l, letter, table[which].name)) {
            fputs("see notify_client --help\n", stderr);
            return 2;
        }
    }
    if (argc - optind > 1)
        return refuse(argv[optind + 1], "one URL is enough");
    if (optind < argc)
        l->url = argv[optind];
    return check(l);
}
