/* SPDX-License-Identifier: MIT */
/* test_deflate_params.c - the parameters of permessage-deflate. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "deflate/deflate_params.h"
#include "support/guard.h"

/* ---- Helpers ------------------------------------------------------------ */

static upf_str str(const char *text)
{
    return (upf_str){text, strlen(text)};
}

/* As upf_param_next() wants it: what follows the name, without the first `;`. */
static upf_str params_of(const char *text)
{
    return *text == '\0' ? (upf_str){NULL, 0} : str(text + 1);
}

static void assert_flow(struct upf_deflate_flow flow, unsigned window,
                        bool takeover)
{
    assert_int_equal(flow.window, window);
    assert_int_equal(flow.takeover, takeover);
}

/* ---- Each in its own words ---------------------------------------------- */

static void what_a_client_offers(void **state)
{
    static const struct { struct upf_deflate_wish wish; const char *text; }
    cases[] = {
        {{15, 15}, "; client_max_window_bits"},
        {{12, 15}, "; client_max_window_bits"},
        {{15, 12}, "; client_max_window_bits; server_max_window_bits=12"},
        {{15, 8}, "; client_max_window_bits; server_max_window_bits=8"},
        {{0, 0}, "; client_max_window_bits; client_no_context_takeover"
                 "; server_no_context_takeover"},
    };
    char out[UPF_DEFLATE_TEXT_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        out[upf_deflate_offer(&cases[i].wish, out)] = '\0';
        assert_string_equal(out, cases[i].text);
    }
}

/* What a server with a wish answers to an offer; NULL: it declines. */
static void what_a_server_answers(void **state)
{
#define SERVER_NOT "; server_no_context_takeover"
#define CLIENT_NOT "; client_no_context_takeover"
    static const struct {
        struct upf_deflate_wish wish;
        const char *offer, *answer;
    } cases[] = {
        /* browsers' offers */
        {{15, 15}, "; client_max_window_bits", ""},
        {{12, 12}, "; client_max_window_bits", "; client_max_window_bits=12"},
        {{0, 0}, "; client_max_window_bits", SERVER_NOT CLIENT_NOT},
        {{15, 15}, "", ""},
        /* a client that cannot be told of a smaller window */
        {{12, 12}, "", CLIENT_NOT},
        {{12, 14}, "; server_max_window_bits=9",
         CLIENT_NOT "; server_max_window_bits=9"},
        /* the lesser of two windows */
        {{15, 15}, "; server_max_window_bits=15", "; server_max_window_bits=15"},
        {{12, 15}, "; server_max_window_bits=15", "; server_max_window_bits=12"},
        {{12, 15}, "; server_max_window_bits=8", "; server_max_window_bits=8"},
        {{0, 15}, "; server_max_window_bits=10",
         SERVER_NOT "; server_max_window_bits=10"},
        {{15, 13}, "; client_max_window_bits=10", "; client_max_window_bits=10"},
        {{15, 9}, "; client_max_window_bits=10", "; client_max_window_bits=9"},
        {{15, 15}, "; client_max_window_bits=15", ""},
        /* without takeover, because the client asks for it */
        {{15, 15}, SERVER_NOT, SERVER_NOT},
        {{15, 15}, CLIENT_NOT, CLIENT_NOT},
        {{15, 15}, CLIENT_NOT "; client_max_window_bits=9" SERVER_NOT
                   "; server_max_window_bits=11",
         SERVER_NOT CLIENT_NOT "; server_max_window_bits=11"
         "; client_max_window_bits=9"},
        /* as it may be written, too */
        {{15, 15}, " ; Server_Max_Window_Bits = \"10\" ",
         "; server_max_window_bits=10"},
        /* to be declined */
        {{15, 15}, "; unknown", NULL},
        {{15, 15}, "; client_max_window_bits; x=1", NULL},
        {{15, 15}, "; server_max_window_bits", NULL},
        {{15, 15}, "; server_max_window_bits=7", NULL},
        {{15, 15}, "; server_max_window_bits=16", NULL},
        {{15, 15}, "; server_max_window_bits=08", NULL},
        {{15, 15}, "; server_max_window_bits=010", NULL},
        {{15, 15}, "; server_max_window_bits=1", NULL},
        {{15, 15}, "; server_max_window_bits=20", NULL},
        {{15, 15}, "; server_max_window_bits=1x", NULL},
        {{15, 15}, "; client_max_window_bits=7", NULL},
        {{15, 15}, "; client_max_window_bits=16", NULL},
        {{15, 15}, "; client_max_window_bits=0", NULL},
        {{15, 15}, "; client_max_window_bits=4294967304", NULL},
        {{15, 15}, "; client_no_context_takeover=1", NULL},
        {{15, 15}, "; server_no_context_takeover=15", NULL},
        {{15, 15}, SERVER_NOT SERVER_NOT, NULL},
        {{15, 15}, CLIENT_NOT CLIENT_NOT, NULL},
        {{15, 15}, "; client_max_window_bits; client_max_window_bits=9", NULL},
        {{15, 15}, "; server_max_window_bits=9; server_max_window_bits=9", NULL},
    };
    struct upf_deflate_terms terms;
    char out[UPF_DEFLATE_TEXT_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *offer = strchr(cases[i].offer, ';');
        const bool  ok = upf_deflate_accept(
            &cases[i].wish, params_of(offer != NULL ? offer : ""), &terms);
        if (ok != (cases[i].answer != NULL))
            fail_msg("\"%s\" was %s", cases[i].offer,
                     ok ? "accepted" : "declined");
        if (!ok)
            continue;
        out[upf_deflate_answer(&terms, out)] = '\0';
        assert_string_equal(out, cases[i].answer);
    }
}

static void the_longest_texts_have_room(void **state)
{
    const struct upf_deflate_wish wish = {0, 0};
    struct upf_deflate_terms terms = {{15, false}, {14, false}, true};
    char *out = (char *)guard_end(UPF_DEFLATE_TEXT_MAX);

    (void)state;
    assert_int_equal(upf_deflate_answer(&terms, out), UPF_DEFLATE_TEXT_MAX);
    assert_true(upf_deflate_offer(&wish, out) <= UPF_DEFLATE_TEXT_MAX);
    guard_free((uint8_t *)out, UPF_DEFLATE_TEXT_MAX);
}

static void what_a_client_takes_for_an_answer(void **state)
{
    static const struct {
        struct upf_deflate_wish wish;
        const char *answer;
        struct upf_deflate_flow server, client;
    } good[] = {
        {{15, 15}, "", {15, true}, {15, true}},
        {{12, 15}, "", {15, true}, {12, true}},
        {{15, 15}, "; client_max_window_bits=9", {15, true}, {9, true}},
        {{10, 15}, "; client_max_window_bits=12", {15, true}, {10, true}},
        /* a server may add these, unasked (sections 7.1.1.1 to 7.1.2.1) */
        {{15, 15}, SERVER_NOT CLIENT_NOT, {15, false}, {15, false}},
        {{15, 15}, "; server_max_window_bits=8", {8, true}, {15, true}},
        {{15, 12}, "; server_max_window_bits=12", {12, true}, {15, true}},
        {{15, 12}, "; server_max_window_bits=9" SERVER_NOT, {9, false},
         {15, true}},
        {{0, 0}, SERVER_NOT, {15, false}, {15, false}},
        {{0, 0}, SERVER_NOT "; server_max_window_bits=10"
                 "; client_max_window_bits=8", {10, false}, {8, false}},
    };
    static const struct { struct upf_deflate_wish wish; const char *answer; }
    bad[] = {
        /* not what was asked for */
        {{15, 0}, ""},
        {{15, 0}, "; server_max_window_bits=8"},
        {{15, 12}, ""},
        {{15, 12}, SERVER_NOT},
        {{15, 12}, "; server_max_window_bits=13"},
        /* no value may be left out in an answer (section 7.1.2.2) */
        {{15, 15}, "; client_max_window_bits"},
        {{15, 15}, "; server_max_window_bits"},
        {{15, 15}, "; client_max_window_bits=7"},
        {{15, 15}, "; client_max_window_bits=16"},
        {{15, 15}, "; unknown=9"},
        {{15, 15}, SERVER_NOT SERVER_NOT},
        {{15, 15}, "; client_no_context_takeover=0"},
    };
    struct upf_deflate_terms terms;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!upf_deflate_agree(&good[i].wish, params_of(good[i].answer),
                               &terms))
            fail_msg("\"%s\" was refused", good[i].answer);
        assert_flow(terms.server, good[i].server.window,
                    good[i].server.takeover);
        assert_flow(terms.client, good[i].client.window,
                    good[i].client.takeover);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (upf_deflate_agree(&bad[i].wish, params_of(bad[i].answer), &terms))
            fail_msg("\"%s\" was taken", bad[i].answer);
}

/* ---- Both ends ---------------------------------------------------------- */

/* What a wish may come to: never more than it says. */
static void assert_within(struct upf_deflate_flow flow, uint8_t wish)
{
    assert_in_range(flow.window, UPF_WINDOW_MIN, UPF_WINDOW_MAX);
    if (wish == 0)
        assert_false(flow.takeover);
    else if (flow.takeover)
        assert_true(flow.window <= wish);
}

/* All wishes of a client against all of a server: no end sends what the other
 * cannot read, and neither has to hold more than it wants. */
static void two_ends_come_to_terms(void **state)
{
    static const uint8_t wishes[] = {0, 8, 9, 10, 11, 12, 13, 14, 15};
    enum { N = sizeof wishes };

    (void)state;
    for (unsigned i = 0; i < N * N * N * N; i++) {
        const struct upf_deflate_wish
            client = {wishes[i % N], wishes[i / N % N]},
            server = {wishes[i / N / N % N], wishes[i / N / N / N]};
        struct upf_deflate_terms servers, clients;
        char text[UPF_DEFLATE_TEXT_MAX + 1];

        text[upf_deflate_offer(&client, text)] = '\0';
        assert_true(upf_deflate_accept(&server, params_of(text), &servers));
        text[upf_deflate_answer(&servers, text)] = '\0';
        assert_true(upf_deflate_agree(&client, params_of(text), &clients));
        /* Who wants a smaller window than it was allowed just uses less. */
        assert_true(servers.server.window <= clients.server.window);
        assert_true(clients.client.window <= servers.client.window);
        assert_int_equal(clients.server.takeover, servers.server.takeover);
        assert_int_equal(clients.client.takeover, servers.client.takeover);
        assert_within(servers.server, server.send);
        assert_within(clients.server, client.receive);
        assert_within(clients.client, client.send);
        assert_within(servers.client, server.receive);
        /* Nobody gets less than both want. */
        if (server.receive != 0 && client.send != 0)
            assert_true(servers.client.takeover);
        if (server.send != 0 && client.receive != 0)
            assert_true(servers.server.takeover);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_client_offers),
        cmocka_unit_test(what_a_server_answers),
        cmocka_unit_test(the_longest_texts_have_room),
        cmocka_unit_test(what_a_client_takes_for_an_answer),
        cmocka_unit_test(two_ends_come_to_terms),
    };

    return cmocka_run_group_tests_name("deflate_params", tests, NULL, NULL);
}
