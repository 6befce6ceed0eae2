/* SPDX-License-Identifier: MIT */
/* plan.c - what the first bytes of an input choose: run.h has the layout. */

#include <string.h>

#include "kernels/kernels.h"
#include "run.h"

#define MIB (1024 * 1024)

static const uint64_t sizes[16] = {
    1, 2, 5, 125, 126, 127, 200, 1000, 4096, 5000, 65535, 65536, 70000, MIB,
    16 * MIB, UINT64_MAX
};
static const uint32_t fragments[8] = {1, 2, 3, 10, 100, 1000, 100000,
                                      UINT32_MAX};
static const size_t queued[8] = {1, 20, 139, 1000, 5000, 70000, MIB, SIZE_MAX};
static const size_t high_water[4] = {1, 100, 4096, MIB};

static const char *const subprotocols[] = {"chat", "superchat", NULL};
static const char *const origins[] = {"http://a.example", "null", NULL};

static void read_limits(upf_config *config, const uint8_t *bytes)
{
    config->max_message   = sizes[bytes[1] & 0x0F];
    config->max_frame     = sizes[bytes[1] >> 4];
    config->max_fragments = fragments[bytes[2] & 0x07];
    config->max_queued    = queued[bytes[2] >> 3 & 0x07];
    config->high_water    = high_water[bytes[2] >> 6];
    switch (bytes[3] & 0x03) {
    case 1: config->max_head = 256; break;
    case 2: config->max_head_line = 64; break;
    case 3: config->max_head_lines = 6; config->max_body = 7; break;
    default: break;
    }
    if (bytes[3] & 0x04)
        config->subprotocols = subprotocols;
    if (bytes[3] & 0x08)
        config->origins = origins;
}

void plan_read(struct plan *plan, const uint8_t bytes[PLAN_LEN],
               bool is_client)
{
    *plan = (struct plan){
        .is_client   = is_client,
        .handshake   = (bytes[0] & 0x01) != 0,
        .ending      = (enum ending)(bytes[0] >> 4 & 0x03),
        .room        = (bytes[0] & 0x40) != 0,
        .move        = (bytes[0] & 0x80) != 0,
        .cut         = bytes[4],
        .dice        = bytes[5],
        .fail_alloc  = bytes[6],
        .fail_random = bytes[7],
        .config      = upf_config_default(),
    };
    plan->config.stream          = (bytes[0] & 0x02) != 0;
    plan->config.allow_unmasked  = (bytes[0] & 0x04) != 0;
    plan->config.trust_sent_text = (bytes[0] & 0x08) != 0;
    read_limits(&plan->config, bytes);
    memcpy(plan->script, bytes + 8, SCRIPT_LEN);
}

void plan_kernels(size_t number)
{
    size_t count = 0;

    while (upf_kernels_at(count) != NULL)
        count++;
    upf_kernels_force(upf_kernels_at(number % count));
}
