/* SPDX-License-Identifier: MIT */
/* fuzz_deflate_params.c - the parameters of permessage-deflate, by strangers. */
/*
 * Input: what the server wants to send and to receive, what the client wants
 * (a byte each: 0, or a window in bits), then parameters: text.
 */

#include <string.h>

#include "check.h"
#include "deflate/deflate_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t wish_of(uint8_t byte)
{
    return byte % 9 == 0 ? 0 : (uint8_t)(UPF_WINDOW_MIN + byte % 9 - 1);
}

static void check_flow(struct upf_deflate_flow flow, uint8_t most)
{
    CHECK(flow.window >= UPF_WINDOW_MIN && flow.window <= UPF_WINDOW_MAX,
          "a window of %d bits", flow.window);
    CHECK(!flow.takeover || flow.window <= most, "%d bits carried on, of %d",
          flow.window, most);
}

/* What a server makes of an offer, a client that asked for nothing can use. */
static void check_answer(const struct upf_deflate_terms *terms)
{
    const struct upf_deflate_wish any = {UPF_WINDOW_MAX, UPF_WINDOW_MAX};
    struct upf_deflate_terms      clients;
    char                          text[UPF_DEFLATE_TEXT_MAX];

    const size_t len = upf_deflate_answer(terms, text);
    CHECK(len <= sizeof text, "%zu bytes", len);
    CHECK(upf_deflate_agree(&any, len > 0 ? (upf_str){text + 1, len - 1}
                                          : (upf_str){NULL, 0}, &clients),
          "refused: %.*s", (int)len, text);
    CHECK(clients.client.window == terms->client.window &&
              clients.client.takeover == terms->client.takeover &&
              clients.server.window >= terms->server.window &&
              clients.server.takeover == terms->server.takeover,
          "other terms: %.*s", (int)len, text);
}

/* Both ends are ours. */
static void check_both(const struct upf_deflate_wish *client,
                       const struct upf_deflate_wish *server)
{
    struct upf_deflate_terms servers, clients;
    char                     text[UPF_DEFLATE_TEXT_MAX];
    size_t                   len = upf_deflate_offer(client, text);

    CHECK(upf_deflate_accept(server, (upf_str){text + 1, len - 1}, &servers),
          "declined: %.*s", (int)len, text);
    len = upf_deflate_answer(&servers, text);
    CHECK(upf_deflate_agree(client, len > 0 ? (upf_str){text + 1, len - 1}
                                            : (upf_str){NULL, 0}, &clients),
          "refused: %.*s", (int)len, text);
    check_flow(servers.server, server->send);
    check_flow(clients.server, client->receive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct upf_deflate_terms terms;

    if (len < 4)
        return 0;
    const struct upf_deflate_wish server = {wish_of(data[0]), wish_of(data[1])};
    const struct upf_deflate_wish client = {wish_of(data[2]), wish_of(data[3])};
    char *text = malloc(len - 4 + 1); /* of exactly its size */
    CHECK(text != NULL, "no memory for %zu", len);
    memcpy(text, data + 4, len - 4);
    const upf_str params = {text, len - 4};

    check_both(&client, &server);
    if (upf_deflate_accept(&server, params, &terms)) {
        check_flow(terms.server, server.send);
        check_flow(terms.client, server.receive);
        check_answer(&terms);
    }
    if (upf_deflate_agree(&client, params, &terms)) {
        check_flow(terms.server, client.receive == 0 ? 0 : client.receive);
        check_flow(terms.client, client.send);
    }
    free(text);
    return 0;
}
