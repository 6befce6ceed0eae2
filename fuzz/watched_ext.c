/* SPDX-License-Identifier: MIT */
/* watched_ext.c - the tests' extension, watched: what it encoded must have left. */

#include "watched_ext.h"
#include "memory.h"
#include "support/testext.h"

size_t ext_encoded, ext_held;

static bool unsettled; /* a message was encoded, and may yet be refused */

void ext_reset(void)
{
    ext_encoded = ext_held = 0;
    unsettled   = false;
}

static size_t offer(const struct upf_ext *ext, char *out, size_t cap)
{
    return test_ext.offer(ext, out, cap);
}

static upf_status agree(const struct upf_ext *ext, const upf_config *config,
                        bool is_client, upf_str params,
                        struct upf_ext_state **state)
{
    const struct memory *memory = config->alloc_user;
    const size_t         before = memory->live;
    const upf_status     status =
        test_ext.agree(ext, config, is_client, params, state);

    ext_held += memory->live - before;
    return status;
}

static size_t answer(const struct upf_ext_state *state, char *out, size_t cap)
{
    return test_ext.answer(state, out, cap);
}

static upf_status decode(struct upf_ext_state *state, const upf_config *config,
                         const uint8_t *data, size_t len, bool end,
                         struct upf_buf *out, uint64_t max)
{
    return test_ext.decode(state, config, data, len, end, out, max);
}

static upf_status encode(struct upf_ext_state *state, const upf_config *config,
                         const uint8_t *data, size_t len, bool first, bool end,
                         struct upf_buf *out, bool *encoded)
{
    const upf_status status =
        test_ext.encode(state, config, data, len, first, end, out, encoded);

    unsettled = unsettled || (status == UPF_OK && first && *encoded);
    return status;
}

static void settle(struct upf_ext_state *state, const upf_config *config,
                   bool sent)
{
    (void)state;
    (void)config;
    ext_encoded += sent && unsettled;
    unsettled = false;
}

static void release(struct upf_ext_state *state, const upf_config *config)
{
    const struct memory *memory = config->alloc_user;
    const size_t         before = memory->live;

    test_ext.free(state, config);
    ext_held -= before - memory->live;
}

const struct upf_ext watched_ext = {
    .name   = "x-runs",
    .rsv    = UPF_RSV1,
    .offer  = offer,
    .agree  = agree,
    .answer = answer,
    .decode = decode,
    .encode = encode,
    .settle = settle,
    .free   = release,
};
