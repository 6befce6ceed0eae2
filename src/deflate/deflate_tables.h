/* SPDX-License-Identifier: MIT */
/* deflate_tables.h - the constants of RFC 1951, for encoder and decoder. */
#ifndef UPF_DEFLATE_TABLES_H
#define UPF_DEFLATE_TABLES_H

/*
 * The tables are lists: whoever needs one makes an array of it, in the form
 * that is quickest there.
 *
 *     #define BASE(base, extra) base,
 *     static const uint16_t length_base[] = {UPF_LENGTH_CODES(BASE)};
 */

enum {
    UPF_DEFLATE_LITERALS  = 286, /* literal/length codes of a dynamic block */
    UPF_DEFLATE_DISTANCES = 30,  /* distance codes */
    UPF_DEFLATE_PRECODES  = 19,  /* codes of code lengths */
    UPF_FIXED_LITERALS    = 288, /* the fixed code has two more of either, */
    UPF_FIXED_DISTANCES   = 32,  /* which mean nothing */

    UPF_LONGEST_CODE    = 15, /* bits */
    UPF_LONGEST_PRECODE = 7,

    UPF_END_OF_BLOCK = 256,
    UPF_FIRST_LENGTH = 257, /* the code of the first length */

    UPF_SHORTEST_MATCH = 3,
    UPF_LONGEST_MATCH  = 258
};

/* Section 3.2.3: the two bits behind BFINAL. 3 is an error. */
enum { UPF_BLOCK_STORED, UPF_BLOCK_FIXED, UPF_BLOCK_DYNAMIC };

/*
 * Section 3.2.5: literal/length codes from 257 on. CODE(base, extra): the
 * first length that a code stands for, and how many bits follow it, which are
 * added to that.
 */
#define UPF_LENGTH_CODES(CODE)                                     \
    CODE(3, 0) CODE(4, 0) CODE(5, 0) CODE(6, 0) CODE(7, 0)         \
    CODE(8, 0) CODE(9, 0) CODE(10, 0) CODE(11, 1) CODE(13, 1)      \
    CODE(15, 1) CODE(17, 1) CODE(19, 2) CODE(23, 2) CODE(27, 2)    \
    CODE(31, 2) CODE(35, 3) CODE(43, 3) CODE(51, 3) CODE(59, 3)    \
    CODE(67, 4) CODE(83, 4) CODE(99, 4) CODE(115, 4) CODE(131, 5)  \
    CODE(163, 5) CODE(195, 5) CODE(227, 5) CODE(258, 0)

/*
 * The same for the distance codes, from 0 on. Codes below 2 * n are those of
 * distances up to 2^n.
 */
#define UPF_DISTANCE_CODES(CODE)                                   \
    CODE(1, 0) CODE(2, 0) CODE(3, 0) CODE(4, 0) CODE(5, 1)         \
    CODE(7, 1) CODE(9, 2) CODE(13, 2) CODE(17, 3) CODE(25, 3)      \
    CODE(33, 4) CODE(49, 4) CODE(65, 5) CODE(97, 5) CODE(129, 6)   \
    CODE(193, 6) CODE(257, 7) CODE(385, 7) CODE(513, 8)            \
    CODE(769, 8) CODE(1025, 9) CODE(1537, 9) CODE(2049, 10)        \
    CODE(3073, 10) CODE(4097, 11) CODE(6145, 11) CODE(8193, 12)    \
    CODE(12289, 12) CODE(16385, 13) CODE(24577, 13)

/* Section 3.2.7: the order in which the lengths of the precode are written. */
#define UPF_PRECODE_ORDER \
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15

/* The codes of code lengths that repeat: the length before; zeros; zeros. */
enum { UPF_REPEAT_LENGTH = 16, UPF_REPEAT_ZERO, UPF_REPEAT_ZERO_LONG };

/*
 * Section 3.2.6: how long the fixed code of a literal/length is. That of every
 * distance has 5 bits.
 */
#define UPF_FIXED_LENGTH(symbol)              \
    ((symbol) < 144 ? 8 : (symbol) < 256 ? 9  \
                        : (symbol) < 280 ? 7 : 8)

enum { UPF_FIXED_DISTANCE_BITS = 5, UPF_FIXED_LONGEST = 9 };

#endif
