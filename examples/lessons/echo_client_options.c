/* SPDX-License-Identifier: MIT */
/* echo_client_options.c - what echo_client is told on its command line. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo_client_options.h"

static const char usage[] =
"usage: echo_client [option...] [URL]\n"
"Sends messages to an echo server and checks that they come back.\n"
"URL is ws://HOST:PORT/PATH or wss://... (ws://127.0.0.1:9001/)\n"
"\n"
"  --host HOST          instead of a URL: ws://HOST:PORT/ (127.0.0.1)\n"
"  --port PORT          likewise (9001)\n"
"  --text TEXT          send a text message (\"Hello\", if there is nothing\n"
"                       else to send)\n"
"  --binary HEX         send these bytes\n"
"  --size N             send N bytes of binary data\n"
"  --ping               send a ping\n"
"                       these four: repeatable, sent in the order given\n"
"  --fragments N        send the messages that follow in N fragments each\n"
"  --close CODE         the code to close with, 0 for none (1000)\n"
"  --wait               do not judge what comes back; print all that comes\n"
"                       until the server closes, or Ctrl-C\n"
"  --subprotocol NAME   offer a subprotocol (repeatable)\n"
"  --header 'NAME: VALUE'\n"
"                       send a header with the handshake (repeatable)\n"
"  --origin ORIGIN      send an Origin, as a web page of ORIGIN would\n"
"  --ca FILE            wss: trust the certificates in FILE (PEM), no others\n"
"  --timeout S          wait no longer than S seconds for an answer (10;\n"
"                       with --wait: for ever)\n"
"  --ping-interval MS   ping a server that was silent for so long; 0: never\n"
"                       (30000)\n"
"  --pong-timeout MS    and give it up if it stays silent for so long after\n"
"                       that; 0: never (20000)\n"
"  --trace              show what goes over the wire, frame by frame\n"
"  --help               this text\n"
"\n"
"The exit status is 0 if everything came back equal and the connection was\n"
"closed in order, 1 if not, or as soon as standard output cannot be written;\n"
"2 if the command line makes no sense.\n";

static bool add_item(struct options *o, upf_opcode opcode, const void *data,
                     size_t len)
{
    struct item *item = &o->items[o->count];

    if (o->count == ITEMS_MAX) {
        fprintf(stderr, "at most %d messages\n", ITEMS_MAX);
        return false;
    }
    item->opcode    = opcode;
    item->data      = malloc(len + 1);
    item->len       = len;
    item->fragments = opcode == UPF_OP_PING ? 1 : o->fragments;
    if (item->data == NULL) {
        fputs("out of memory\n", stderr);
        return false;
    }
    for (size_t i = 0; data == NULL && i < len; i++)
        item->data[i] = (unsigned char)(i * 31 >> 3);
    if (data != NULL)
        memcpy(item->data, data, len);
    o->count++;
    return true;
}

static bool add_hex(struct options *o, const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    const size_t len = strlen(hex) / 2;

    if (strlen(hex) % 2 != 0 ||
        strspn(hex, "0123456789abcdefABCDEF") != 2 * len) {
        fprintf(stderr, "--binary: '%s' is not bytes in hexadecimal\n", hex);
        return false;
    }
    if (!add_item(o, UPF_OP_BINARY, hex, len))
        return false;
    for (size_t i = 0; i < 2 * len; i++) {
        const char *digit = strchr(digits, hex[i] | 0x20);
        unsigned char *byte = &o->items[o->count - 1].data[i / 2];
        *byte = (unsigned char)((i % 2 == 0 ? 0 : *byte << 4) |
                                (int)(digit - digits));
    }
    return true;
}

/* "Name: value" becomes two strings in one block, which begins with Name. */
static bool add_header(struct options *o, const char *text)
{
    const size_t size  = strlen(text) + 1;
    const char  *colon = strchr(text, ':');
    char        *copy;

    if (colon == NULL || o->header_count == OPTION_LIST_MAX) {
        fprintf(stderr, colon == NULL ? "--header: no ':' in '%s'\n"
                                      : "--header: too many, at '%s'\n", text);
        return false;
    }
    if ((copy = malloc(size)) == NULL) {
        fputs("out of memory\n", stderr);
        return false;
    }
    memcpy(copy, text, size);
    char *value = copy + (colon - text);
    *value++ = '\0';
    value += strspn(value, " ");
    if (!option_header(copy, value)) {
        free(copy);
        return false;
    }
    o->headers[o->header_count++] = (upf_header){copy, value};
    return true;
}

static bool close_code_option(struct options *o, const char *text)
{
    if (!option_number("close", text, 0, 4999, &o->close_code))
        return false;
    const unsigned long code = o->close_code;
    if (code == 0 || (code >= 1000 && code <= 1003) ||
        (code >= 1007 && code <= 1014) || code >= 3000)
        return true;
    fprintf(stderr, "--close: %lu must not be sent (RFC 6455, 7.4)\n", code);
    return false;
}

/* The URL, if it was given in two parts or not at all. */
static bool address(struct options *o)
{
    const char *host = o->host != NULL ? o->host : "127.0.0.1";
    const char *port = o->port != NULL ? o->port : "9001";
    const bool  ipv6 = strchr(host, ':') != NULL;

    if (o->url != NULL) {
        if (o->host == NULL && o->port == NULL)
            return true;
        fputs("give a URL, or --host and --port\n", stderr);
        return false;
    }
    const int len = snprintf(o->address, sizeof o->address,
                             ipv6 ? "ws://[%s]:%s/" : "ws://%s:%s/", host,
                             port);
    o->url = o->address;
    if (len < 0 || (size_t)len >= sizeof o->address) {
        fputs("--host: too long\n", stderr);
        return false;
    }
    return true;
}

int options_read(struct options *o, int argc, char **argv)
{
    static const struct option table[] = {
        {"host", required_argument, NULL, 'A'},
        {"port", required_argument, NULL, 'P'},
        {"text", required_argument, NULL, 't'},
        {"binary", required_argument, NULL, 'b'},
        {"size", required_argument, NULL, 'n'},
        {"ping", no_argument, NULL, 'p'},
        {"fragments", required_argument, NULL, 'f'},
        {"close", required_argument, NULL, 'c'},
        {"wait", no_argument, NULL, 'w'},
        {"subprotocol", required_argument, NULL, 's'},
        {"header", required_argument, NULL, 'H'},
        {"origin", required_argument, NULL, 'o'},
        {"ca", required_argument, NULL, 'a'},
        {"timeout", required_argument, NULL, 'T'},
        {"ping-interval", required_argument, NULL, 'i'},
        {"pong-timeout", required_argument, NULL, 'g'},
        {"trace", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    unsigned long size, port;
    bool ok = true;
    int  letter;

    *o = (struct options){.fragments     = 1,
                          .close_code    = UPF_CLOSE_NORMAL,
                          .ping_interval = 30000,
                          .pong_timeout  = 20000};
    while (ok && (letter = getopt_long(argc, argv, "", table, NULL)) != -1)
        switch (letter) {
        case 'A': o->host = optarg; break;
        case 'P':
            o->port = optarg;
            ok = option_number("port", optarg, 1, 65535, &port);
            break;
        case 't': ok = add_item(o, UPF_OP_TEXT, optarg, strlen(optarg)); break;
        case 'b': ok = add_hex(o, optarg); break;
        case 'n':
            ok = option_number("size", optarg, 0, 1ul << 30, &size) &&
                 add_item(o, UPF_OP_BINARY, NULL, size);
            break;
        case 'p': ok = add_item(o, UPF_OP_PING, "upframe", 7); break;
        case 'f':
            ok = option_number("fragments", optarg, 1, 10000, &o->fragments);
            break;
        case 'c': ok = close_code_option(o, optarg); break;
        case 'w': o->wait = true; break;
        case 's':
            ok = option_subprotocol(&o->subprotocols, optarg);
            break;
        case 'H': ok = add_header(o, optarg); break;
        case 'o':
            o->origin = optarg;
            ok = option_origin(optarg);
            break;
        case 'a': o->ca = optarg; break;
        case 'T':
            ok = option_number("timeout", optarg, 1, 86400, &o->timeout_s);
            break;
        case 'i':
            ok = option_number("ping-interval", optarg, 0, 86400000,
                               &o->ping_interval);
            break;
        case 'g':
            ok = option_number("pong-timeout", optarg, 0, 86400000,
                               &o->pong_timeout);
            break;
        case 'r': o->trace = true; break;
        case 'h': fputs(usage, stdout); return 0;
        default: ok = false;
        }
    if (ok && optind < argc)
        o->url = argv[optind++];
    if (ok && optind < argc) {
        fprintf(stderr, "one URL, please: what is '%s'?\n", argv[optind]);
        ok = false;
    }
    ok = ok && address(o);
    if (o->timeout_s == 0)
        o->timeout_s = o->wait ? 86400 * 365 : 10;
    if (ok && o->count == 0 && !o->wait)
        ok = add_item(o, UPF_OP_TEXT, "Hello", 5);
    if (!ok)
        fprintf(stderr, "see %s --help\n", argv[0]);
    return ok ? -1 : 2;
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < o->count; i++)
        free(o->items[i].data);
    for (size_t i = 0; i < o->header_count; i++)
        free((char *)o->headers[i].name);
    o->count = o->header_count = 0;
}
