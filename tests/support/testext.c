/* SPDX-License-Identifier: MIT */
/* testext.c - a small extension, to test the seam with. */

#include <string.h>

#include "buf.h"
#include "handshake.h"
#include "testext.h"

struct upf_ext_state {
    const struct upf_ext *ext;
    unsigned level; /* 0: not agreed on */
    bool     have_count;
    uint8_t  count;
};

int test_ext_alive;

static size_t put(char *out, size_t cap, const char *text)
{
    const size_t len = strlen(text);

    if (len > cap)
        return 0;
    memcpy(out, text, len);
    return len;
}

static size_t offer(const struct upf_ext *ext, char *out, size_t cap)
{
    (void)ext;
    return put(out, cap, "; level=7");
}

static upf_status agree(const struct upf_ext *ext, const upf_config *config,
                        bool is_client, upf_str params,
                        struct upf_ext_state **state)
{
    unsigned level = 0;
    upf_str  name, value;

    (void)is_client;
    while (upf_param_next(&params, &name, &value)) {
        if (!upf_str_equals_nocase(name, "level") || level != 0 ||
            value.len != 1 ||
            value.data[0] < '1' || value.data[0] > '9')
            return UPF_ERR_EXTENSION;
        level = (unsigned)(value.data[0] - '0');
    }
    *state = upf_mem_alloc(config, sizeof **state);
    if (*state == NULL)
        return UPF_ERR_NO_MEMORY;
    **state = (struct upf_ext_state){.ext = ext, .level = level};
    test_ext_alive++;
    return UPF_OK;
}

static size_t answer(const struct upf_ext_state *state, char *out, size_t cap)
{
    char text[] = "; level=0";

    if (state->level == 0)
        return 0;
    text[sizeof text - 2] = (char)('0' + state->level);
    return put(out, cap, text);
}

static upf_status decode(struct upf_ext_state *state, const upf_config *config,
                         const uint8_t *data, size_t len, bool end,
                         struct upf_buf *out, uint64_t max)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t run[255];

        if (!state->have_count) {
            if (data[i] == 0)
                return UPF_ERR_EXTENSION_DATA;
            state->count      = data[i];
            state->have_count = true;
            continue;
        }
        state->have_count = false;
        if (state->count > max || out->len > max - state->count)
            return UPF_ERR_MESSAGE_TOO_BIG;
        memset(run, data[i] ^ 0x55, state->count);
        if (!upf_buf_append(out, config, run, state->count))
            return UPF_ERR_NO_MEMORY;
    }
    return end && state->have_count ? UPF_ERR_EXTENSION_DATA : UPF_OK;
}

static size_t run_of(const uint8_t *data, size_t len)
{
    size_t run = 1;

    while (run < len && run < 255 && data[run] == data[0])
        run++;
    return run;
}

static upf_status encode(struct upf_ext_state *state, const upf_config *config,
                         const uint8_t *data, size_t len, bool first, bool end,
                         struct upf_buf *out, bool *encoded)
{
    (void)state;
    (void)end;
    if (first) {
        *encoded = len == 0 || data[0] != '!';
        if (!*encoded)
            return UPF_OK;
    }
    while (len > 0) {
        const size_t  run     = run_of(data, len);
        const uint8_t pair[2] = {(uint8_t)run, data[0] ^ 0x55};

        if (!upf_buf_append(out, config, pair, sizeof pair))
            return UPF_ERR_NO_MEMORY;
        data += run;
        len -= run;
    }
    return UPF_OK;
}

static void release(struct upf_ext_state *state, const upf_config *config)
{
    if (state == NULL)
        return;
    test_ext_alive--;
    upf_mem_free(config, state, sizeof *state);
}

const struct upf_ext test_ext = {
    .name   = "x-runs",
    .rsv    = UPF_RSV1,
    .offer  = offer,
    .agree  = agree,
    .answer = answer,
    .decode = decode,
    .encode = encode,
    .free   = release,
};

const struct upf_ext test_ext_rsv3 = {
    .name   = "x-runs",
    .rsv    = UPF_RSV3,
    .offer  = offer,
    .agree  = agree,
    .answer = answer,
    .decode = decode,
    .encode = encode,
    .free   = release,
};

void test_ext_encode(struct blob *to, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    for (size_t at = 0; at < len;) {
        const size_t run = run_of(bytes + at, len - at);

        blob_byte(to, (unsigned)run);
        blob_byte(to, bytes[at] ^ 0x55);
        at += run;
    }
}
