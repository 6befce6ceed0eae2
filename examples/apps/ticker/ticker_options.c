/* SPDX-License-Identifier: MIT */
/* ticker_options.c - ticker_server's command line: see ticker_options.h. */

#include <stdio.h>

#include "options.h"
#include "ticker_options.h"

const char ticker_about[] =
"usage: ticker_server [option...]\n"
"Live prices, of a simulated market or from a feed; a browser gets its page.\n"
"Slow clients get fewer prices, never older ones.\n"
"\n"
"It has a protocol of its own over the WebSocket, so it is no echo. A client\n"
"sends \"subscribe ACME BOLT\", or \"subscribe *\", and gets JSON; or binary,\n"
"if it asks for the subprotocol ticker.v1.binary.\n"
"\n"
"Try it:  ticker_server &  then open http://127.0.0.1:9001/\n"
"         ticker_client ACME BOLT\n"
"         echo_client --wait --text 'subscribe ACME'\n";

static bool fit_together(const struct ticker_options *o)
{
    if (o->feed == NULL || !o->has_rate)
        return true;
    fputs("--rate is for the simulated market: --feed has its own\n", stderr);
    return false;
}

static bool take_feed(void *user, const char *text)
{
    struct ticker_options *o = user;

    o->feed = text;
    return fit_together(o);
}

static bool take_rate(void *user, const char *text)
{
    struct ticker_options *o = user;

    o->has_rate = true;
    return option_number("rate", text, 1, 1000000, &o->rate) &&
           fit_together(o);
}

static bool take_frames(void *user, const char *text)
{
    struct ticker_options *o = user;

    return option_number("frames", text, 1, 100, &o->frames);
}

const app_option ticker_option_table[] = {
    {"feed", "FILE",
     "instead of a simulated market: lines of\n"
     "SYMBOL PRICE [SIZE], as they come; -: standard input", take_feed},
    {"rate", "N", "updates a second of the simulated market (200)", take_rate},
    {"frames", "N", "at most so many frames a second to a client (20)",
     take_frames},
    {NULL, NULL, NULL, NULL}};
