/* SPDX-License-Identifier: MIT */
/* bit_writer.h - write compressed data by hand, sound or not. */
#ifndef BIT_WRITER_H
#define BIT_WRITER_H

#include <stddef.h>
#include <stdint.h>

struct bit_writer { /* starts as {0} */
    uint8_t data[1 << 15];
    size_t  bits;
};

/* A number: its lowest bit first. */
void put_bits(struct bit_writer *to, unsigned value, unsigned count);

/* A code: its highest bit first. */
void put_code(struct bit_writer *to, unsigned code, unsigned count);

/* Zeros up to the next byte. */
void put_padding(struct bit_writer *to);

/* How many bytes that is. */
size_t bytes_put(const struct bit_writer *to);

/* A symbol of the fixed code, and a distance code. */
void put_fixed(struct bit_writer *to, unsigned symbol);
void put_fixed_distance(struct bit_writer *to, unsigned symbol);

/* A symbol of the code that has these lengths. */
void put_symbol(struct bit_writer *to, const uint8_t *lengths,
                unsigned symbol);

/* The end: the beginning of an empty stored block. */
void put_end(struct bit_writer *to);

/*
 * The header of a dynamic block, as it is: the counts are written even if they
 * are too high. Every length from 0 to 15 has a precode of 4 bits.
 */
void put_dynamic(struct bit_writer *to, const uint8_t *literals,
                 unsigned literal_count, const uint8_t *distances,
                 unsigned distance_count);

#endif
