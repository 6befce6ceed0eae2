/* SPDX-License-Identifier: MIT */
/* server_setup.c - what the servers do before their loops: options, socket. */

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server_setup.h"
#include "tcp.h"

static const char local[] = "127.0.0.1";

static const char usage_address[] =
"  --host HOST            listen here (%s%s)\n"
"  --port PORT            0: the kernel chooses one (%s)\n";

static const char usage_tls[] =
"  --tls-cert FILE        serve wss:// with this certificate chain (PEM)\n"
"  --tls-key FILE         and this private key (PEM)\n";

static const char usage[] =
"  --origin ORIGIN        let pages of ORIGIN connect, too: https://a.example\n"
"                         (repeatable; other sites' pages are refused)\n"
"  --subprotocol NAME     speak a subprotocol, the preferred one first\n"
"                         (repeatable)\n"
"  --max-message BYTES    refuse longer messages with 1009 (%lu)\n"
"  --max-queued BYTES     how much may wait for a client that does not read\n"
"                         (%lu)\n"
"  --ping-interval MS     ping a client that was silent for so long; 0: never\n"
"                         (%lu)\n"
"  --pong-timeout MS      and give it up if it stays silent for so long after\n"
"                         that; 0: never (%lu)\n"
"  --max-connections N    others wait their turn (%lu)\n";

static const char usage_app[] =
"  --host-name NAME       answer requests for the host NAME, too (repeatable;\n"
"                         localhost and the address are known)\n"
"  --max-rate N           read no more than N messages a second from a client,\n"
"                         pings among them; 0: as many as it sends (%lu)\n"
"  --drain-notice MS      behind a proxy: after the signal to stop, serve on for\n"
"                         so long, while GET /healthz gets 503 (%lu)\n"
"  --drain MS             and then say 1001 to one client after the other, over\n"
"                         so long; 0: to all at once (%lu)\n";

static const char usage_trace[] =
"  --trace                show every frame header on standard error\n";

static const char usage_end[] =
"  --help                 this text\n"
"\n"
"Ctrl-C or SIGTERM says 1001, going away, to every client and stops.\n";

/* One option of an application's, its text beside it. */
static void show_option(const app_option *o)
{
    char head[64];
    const char *line = o->help;

    snprintf(head, sizeof head, "--%s %s", o->name,
             o->what != NULL ? o->what : "");
    for (;;) {
        const size_t len = strcspn(line, "\n");
        printf("  %-22s %.*s\n", line == o->help ? head : "", (int)len, line);
        if (line[len] == '\0')
            return;
        line += len + 1;
    }
}

static void show_usage(const struct server_setup *defaults, const char *about)
{
    printf("%s\n", about);
    for (const app_option *o = defaults->options; o && o->name; o++)
        show_option(o);
    printf(usage_address, defaults->host,
           strcmp(defaults->host, local) == 0 ? ": this machine only" : "",
           defaults->port);
    printf("%s", defaults->plain ? "" : usage_tls);
    if (defaults->is_app)
        printf(usage_app, defaults->max_rate, defaults->drain_notice,
               defaults->drain);
    printf(usage, defaults->max_message, defaults->max_queued,
           defaults->ping_interval, defaults->pong_timeout,
           defaults->max_connections);
    printf("%s%s", defaults->plain ? "" : usage_trace, usage_end);
}

static bool read_option(struct server_setup *s, int letter)
{
    unsigned long port;

    switch (letter) {
    case 'h': s->host = optarg; return true;
    case 'c': s->cert_file = optarg; return true;
    case 'k': s->key_file = optarg; return true;
    case 't': s->trace = true; return true;
    case 'p':
        s->port = optarg;
        return option_number("port", optarg, 0, 65535, &port);
    case 'o': return option_allowed_origin(&s->origins, optarg);
    case 's': return option_subprotocol(&s->subprotocols, optarg);
    case 'm':
        return option_number("max-message", optarg, 1, 1ul << 30,
                             &s->max_message);
    case 'q':
        return option_number("max-queued", optarg, 1, 1ul << 31,
                             &s->max_queued);
    case 'i':
        return option_number("ping-interval", optarg, 0, 86400000,
                             &s->ping_interval);
    case 'g':
        return option_number("pong-timeout", optarg, 0, 86400000,
                             &s->pong_timeout);
    case 'n':
        return option_number("max-connections", optarg, 1, 1000000,
                             &s->max_connections);
    case 'a': return option_host_name(&s->host_names, optarg);
    case 'r':
        return option_number("max-rate", optarg, 0, 1000000, &s->max_rate);
    case 'd': return option_number("drain", optarg, 0, 86400000, &s->drain);
    case 'e':
        return option_number("drain-notice", optarg, 0, 86400000,
                             &s->drain_notice);
    default: return false; /* getopt_long() has said what is wrong */
    }
}

/* What getopt_long() is to know: ours, as far as they are offered, then the
 * application's, whose value is OWN and more. */
enum { OWN = 256, OPTIONS_MAX = 32 };

static void list_options(const struct server_setup *s,
                         struct option list[OPTIONS_MAX])
{
    static const struct option common[] = {
        {"host", required_argument, NULL, 'h'},
        {"port", required_argument, NULL, 'p'},
        {"origin", required_argument, NULL, 'o'},
        {"subprotocol", required_argument, NULL, 's'},
        {"max-message", required_argument, NULL, 'm'},
        {"max-queued", required_argument, NULL, 'q'},
        {"ping-interval", required_argument, NULL, 'i'},
        {"pong-timeout", required_argument, NULL, 'g'},
        {"max-connections", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'H'}};
    static const struct option secure[] = {
        {"tls-cert", required_argument, NULL, 'c'},
        {"tls-key", required_argument, NULL, 'k'},
        {"trace", no_argument, NULL, 't'}};
    static const struct option app[] = {
        {"host-name", required_argument, NULL, 'a'},
        {"max-rate", required_argument, NULL, 'r'},
        {"drain", required_argument, NULL, 'd'},
        {"drain-notice", required_argument, NULL, 'e'}};
    enum { COMMON = sizeof common / sizeof *common,
           SECURE = sizeof secure / sizeof *secure,
           APP    = sizeof app / sizeof *app };
    size_t count = COMMON;

    memcpy(list, common, sizeof common);
    if (!s->plain) {
        memcpy(list + count, secure, sizeof secure);
        count += SECURE;
    }
    if (s->is_app) {
        memcpy(list + count, app, sizeof app);
        count += APP;
    }
    for (int i = 0; s->options != NULL && s->options[i].name != NULL &&
                    count + 1 < OPTIONS_MAX; i++)
        list[count++] = (struct option){s->options[i].name,
                                        s->options[i].what != NULL
                                            ? required_argument
                                            : no_argument,
                                        NULL, OWN + i};
    list[count] = (struct option){NULL, 0, NULL, 0};
}

static void set_if_zero(unsigned long *number, unsigned long value)
{
    if (*number == 0)
        *number = value;
}

/* What the program has left open: safe, and good for most. */
static void set_defaults(struct server_setup *s)
{
    s->host = s->host != NULL ? s->host : local;
    s->port = s->port != NULL ? s->port : "9001";
    set_if_zero(&s->max_message, 64ul << 10);
    set_if_zero(&s->max_queued, s->max_message * 16 + s->adds);
    set_if_zero(&s->max_connections, 1000);
    set_if_zero(&s->ping_interval, 30000);
    set_if_zero(&s->pong_timeout, 20000);
}

static int read_options(struct server_setup *s, int argc, char **argv,
                        const char *about)
{
    struct option list[OPTIONS_MAX];
    bool ok = true;
    int  letter;

    set_defaults(s);
    const struct server_setup defaults = *s;
    list_options(s, list);
    while (ok && (letter = getopt_long(argc, argv, "", list, NULL)) != -1) {
        if (letter == 'H') {
            show_usage(&defaults, about);
            return 0;
        }
        ok = letter >= OWN
                 ? s->options[letter - OWN].take(s->options_user, optarg)
                 : read_option(s, letter);
    }
    if (ok && optind < argc) {
        fprintf(stderr, "what is '%s'?\n", argv[optind]);
        ok = false;
    }
    if (ok && (s->cert_file == NULL) != (s->key_file == NULL)) {
        fputs("--tls-cert and --tls-key go together\n", stderr);
        ok = false;
    }
    if (!ok)
        fprintf(stderr, "see %s --help\n", argv[0]);
    return ok ? -1 : 2;
}

/* The longest message must find room behind what waits already. */
static void make_room_for_echo(struct server_setup *s)
{
    const size_t room = s->config.high_water * 2 + s->max_message;

    if (s->config.max_queued >= room)
        return;
    s->config.max_queued = room;
    fprintf(stderr, "--max-queued: %zu, or the longest echo would find no "
                    "room\n", room);
}

/* So must it behind what is sent beside it. */
static bool longest_has_room(const struct server_setup *s)
{
    enum { AROUND = 64 }; /* bytes: a frame's header, a line of the server's */
    const size_t least = s->max_message + (s->adds > AROUND ? s->adds : AROUND);

    if (s->echoes || s->max_queued >= least)
        return true;
    fprintf(stderr, "cannot work so: --max-message is over what --max-queued "
                    "has room for, with what is sent beside it; together that "
                    "is %zu\n", least);
    return false;
}

int server_set_up(struct server_setup *s, int argc, char **argv,
                  const char *about)
{
    enum { BESIDE = 16 }; /* descriptors that are not a client's */
    char address[TCP_ADDRESS_MAX];

    const int status = read_options(s, argc, argv, about);
    if (status >= 0)
        return status;
    s->config = upf_config_default();
    s->config.max_message  = s->max_message;
    s->config.max_frame    = s->max_message;
    s->config.max_queued   = s->max_queued;
    if (s->config.high_water > s->max_queued)
        s->config.high_water = s->max_queued;
    if (s->echoes)
        make_room_for_echo(s);
    s->config.ping_interval = (uint32_t)s->ping_interval;
    s->config.pong_timeout  = (uint32_t)s->pong_timeout;
    s->config.origins      = option_items(&s->origins);
    s->config.subprotocols = option_items(&s->subprotocols);
    const char *wrong = upf_config_check(&s->config);
    if (wrong != NULL)
        fprintf(stderr, "cannot work so: %s\n", wrong);
    if (wrong != NULL || !longest_has_room(s))
        return 2;
    if (s->cert_file != NULL &&
        (s->tls = tls_server(s->cert_file, s->key_file)) == NULL)
        return 2;

    s->max = tcp_raise_descriptor_limit(s->max_connections + BESIDE);
    s->max = s->max > BESIDE ? s->max - BESIDE : 1;
    if ((s->stop = stop_on_signals()) < 0 ||
        (s->listener = tcp_listen(s->host, s->port)) < 0) {
        tls_context_free(s->tls);
        return 1;
    }
    tcp_local_address(s->listener, address);
    printf("listening on %s://%s/\n", s->tls != NULL ? "wss" : "ws", address);
    fflush(stdout);
    return -1;
}
