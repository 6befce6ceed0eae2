/* SPDX-License-Identifier: MIT */
/* deflate.c - a message as blocks, without and with what came before it. */

#include <assert.h>
#include <string.h>

#include "deflate.h"
#include "deflate_bits.h"

/*
 * Places are below this, so that those of a segment, which is encoded as if
 * nothing came before it, can be added to them.
 */
#define SEGMENT   ((size_t)1 << 30)
#define LAST_BASE (UINT32_MAX - (uint32_t)SEGMENT)

extern inline size_t upf_deflate_most(size_t len);

size_t upf_deflate_bound(size_t len)
{
    /*
     * A block is stored if no other form is shorter, so all that is added is
     * five bytes for each stored block. Any but the last two are of 65535
     * bytes, or of some 1500 matches of four bytes.
     */
    return len + len / 1024 + 2 * UPF_BLOCK_OVERHEAD + UPF_FIXED_SLACK +
           UPF_BITS_SLACK;
}

/* upf_parse_wide() or upf_parse_narrow() */
typedef size_t parse_fn(const struct upf_finder *finder,
                        struct upf_sequences *found, size_t from, size_t end);

/* Encode data[0, len) of the finder. */
static void write_blocks(struct upf_bit_writer      *writer,
                         struct upf_deflate_scratch *scratch,
                         const struct upf_finder *finder, parse_fn *parse,
                         size_t len)
{
    size_t next;

    for (size_t at = 0; at < len; at = next) {
        next = parse(finder, &scratch->found, at, len);
        upf_block_write(writer, &scratch->block, &scratch->found,
                        finder->data + at, next - at);
    }
}

/* The scratch as a finder for places of a segment that begins at `data`. */
static struct upf_finder segment_finder(struct upf_deflate_scratch *scratch,
                                        const uint8_t *data,
                                        unsigned       window_bits,
                                        enum upf_deflate_level level)
{
    if (scratch->base == 0 || scratch->base > LAST_BASE) {
        memset(scratch->heads, 0, sizeof scratch->heads);
        scratch->base = 1;
    }
    if (level == UPF_DEFLATE_BEST && scratch->links == NULL)
        level = UPF_DEFLATE_LAZY;
    return (struct upf_finder){
        .data      = data,
        .heads     = scratch->heads,
        .links     = level == UPF_DEFLATE_BEST ? scratch->links : NULL,
        .base      = scratch->base,
        .window    = 1u << window_bits,
        .hash_bits = UPF_WIDE_HASH_BITS,
        .level     = (uint8_t)level,
    };
}

static void write_alone(struct upf_bit_writer           *writer,
                        struct upf_deflate_scratch      *scratch,
                        const struct upf_deflate_source *source,
                        unsigned                         window_bits)
{
    const uint8_t *data = source->data;

    for (size_t left = source->len; left > 0;) {
        const size_t len = left < SEGMENT ? left : SEGMENT;
        const struct upf_finder finder =
            segment_finder(scratch, data, window_bits, source->level);

        write_blocks(writer, scratch, &finder, upf_parse_wide, len);
        scratch->base += (uint32_t)len;
        data += len;
        left -= len;
    }
}

/* End it; the length, or 0. */
static size_t finish(struct upf_bit_writer           *writer,
                     const struct upf_deflate_source *source,
                     const uint8_t                   *out)
{
    upf_block_write_end(writer, source->ends);
    const size_t len = (size_t)(writer->out - out);
    return len <= source->most ? len : 0;
}

size_t upf_deflate_alone(struct upf_deflate_scratch      *scratch,
                         const struct upf_deflate_source *source,
                         unsigned window_bits, uint8_t *out)
{
    struct upf_bit_writer writer = {0, 0, out};

    assert(window_bits >= 8 && window_bits <= 15);
    write_alone(&writer, scratch, source, window_bits);
    return finish(&writer, source, out);
}

size_t upf_deflate_after(struct upf_deflate_history      *history,
                         struct upf_deflate_scratch      *scratch,
                         const struct upf_deflate_source *source,
                         uint8_t                         *out)
{
    struct upf_bit_writer writer = {0, 0, out};
    const size_t len = source->len;
    const struct upf_finder finder =
        upf_deflate_history_finder(history, source->data, source->level);

    /* The codes of a dynamic block gain little where matches make up for most
     * of a short message, and take most of the time. */
    if (len > 0 && len < UPF_FIXED_BYTES && finder.level < UPF_DEFLATE_BEST) {
        upf_parse_narrow(&finder, &scratch->found, 0, len);
        upf_block_write_fixed(&writer, &scratch->block, &scratch->found,
                              source->data, len);
    } else {
        write_blocks(&writer, scratch, &finder, upf_parse_narrow, len);
    }
    return finish(&writer, source, out);
}

void upf_deflate_commit(struct upf_deflate_history *history,
                        const uint8_t *data, size_t len)
{
    upf_deflate_history_add(history, data, len); /* it is noted already */
}
