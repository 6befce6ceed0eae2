/* SPDX-License-Identifier: MIT */
/* bit_writer.c - write compressed data by hand, sound or not. */

#include <assert.h>

#include "support/bit_writer.h"

void put_bits(struct bit_writer *to, unsigned value, unsigned count)
{
    assert(count <= 32 && to->bits + count <= 8 * sizeof to->data);
    for (unsigned i = 0; i < count; i++, to->bits++)
        to->data[to->bits / 8] |=
            (uint8_t)((value >> i & 1) << to->bits % 8);
}

void put_code(struct bit_writer *to, unsigned code, unsigned count)
{
    while (count-- > 0)
        put_bits(to, code >> count & 1, 1);
}

void put_padding(struct bit_writer *to)
{
    to->bits = (to->bits + 7) / 8 * 8;
}

size_t bytes_put(const struct bit_writer *to)
{
    return (to->bits + 7) / 8;
}

void put_fixed(struct bit_writer *to, unsigned symbol)
{
    if (symbol < 144)
        put_code(to, 0x30 + symbol, 8);
    else if (symbol < 256)
        put_code(to, 0x190 + symbol - 144, 9);
    else if (symbol < 280)
        put_code(to, symbol - 256, 7);
    else
        put_code(to, 0xC0 + symbol - 280, 8);
}

void put_fixed_distance(struct bit_writer *to, unsigned symbol)
{
    put_code(to, symbol, 5);
}

void put_symbol(struct bit_writer *to, const uint8_t *lengths,
                unsigned symbol)
{
    unsigned code = 0;

    /* Codes of a length follow those of the length before. */
    for (unsigned length = 1; length <= lengths[symbol]; length++) {
        code *= 2;
        for (unsigned i = 0; i < 288; i++) {
            if (length == lengths[symbol] && i == symbol)
                break;
            code += lengths[i] == length;
        }
    }
    put_code(to, code, lengths[symbol]);
}

void put_end(struct bit_writer *to)
{
    put_bits(to, 0, 3);
    put_padding(to);
}

void put_dynamic(struct bit_writer *to, const uint8_t *literals,
                 unsigned literal_count, const uint8_t *distances,
                 unsigned distance_count)
{
    put_bits(to, 4, 3);
    put_bits(to, literal_count - 257, 5);
    put_bits(to, distance_count - 1, 5);
    put_bits(to, 19 - 4, 4);
    for (unsigned i = 0; i < 19; i++)
        put_bits(to, i < 3 ? 0 : 4, 3); /* 16, 17, 18 come first */
    for (unsigned i = 0; i < literal_count; i++)
        put_code(to, literals[i], 4);
    for (unsigned i = 0; i < distance_count; i++)
        put_code(to, distances[i], 4);
}
