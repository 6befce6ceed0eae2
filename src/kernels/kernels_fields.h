/* SPDX-License-Identifier: MIT */
/*
 * kernels_fields.h - lines "name: value", as nearly everybody writes them.
 *
 * The ends of lines are found in 64 bytes at once, and a name's length and
 * which name it is are found with a few vectors. A line that is unusual is left
 * to the caller, and so is every error.
 *
 * A file that includes this must have included kernels_vector.h, with VEC at
 * most 32, and have defined
 *
 *   vec_min(a, b)        the lesser of two bytes
 *   vec_same(a, b)       FF in each byte where a and b are equal, else 0
 *   vec_has(a, b)        whether all bits of b are set in a, too
 *   vec_pick(table, v)   table[v[i] % 16]; 0 where v[i] is not ASCII
 *   vec_bits(v)          the top bit of each byte; bit 0 is the first byte's
 *   FIELDS               how the definition of upf_kernels.fields begins: the
 *                        function's attributes, type and name
 *   SPAN                 the same for upf_kernels.span; only if VEC is 16, as
 *                        most text is too short to gain from wider vectors
 */
#ifndef UPF_KERNELS_FIELDS_H
#define UPF_KERNELS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels.h"
#include "kernels_text.h"

/* ---- Characters --------------------------------------------------------- */

KERNEL size_t first_bit(uint64_t bits)
{
    return (size_t)__builtin_ctzll(bits);
}

/* A bit for each byte of v that is not in the set whose vec_table() is
 * `columns`. A byte's low half selects the column, its high half the bit. */
KERNEL uint64_t strangers(vec v, vec columns)
{
    static const uint8_t rows[16] = {1, 2, 4, 8, 16, 32, 64, 128};
    const vec found = vec_and(vec_pick(columns, v),
                              vec_lookup(vec_table(rows), vec_high4(v)));

    return vec_bits(vec_same(found, vec_fill8(0)));
}

/* A bit for each control character of text[0, 64). */
KERNEL uint64_t controls_of_64(const char *text)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 64; i += VEC) {
        const vec v = vec_load((const uint8_t *)text + i);
        bits |= vec_bits(vec_or(vec_same(vec_min(v, vec_fill8(0x1F)), v),
                                vec_same(v, vec_fill8(0x7F)))) << i;
    }
    return bits;
}

/* ---- Lines -------------------------------------------------------------- */

enum { LOOK = 32 }; /* bytes: most names fit into them, with the colon */

KERNEL bool is_visible(char c)
{
    return (unsigned char)c > ' ';
}

/* If the line text[0, len), "name: value", has a known name, add the field to
 * `found`. LOOK bytes can be read at `text`, even if `len` is less. False if
 * the line is unusual. */
KERNEL bool note_line(const char *text, size_t len, vec columns,
                      const struct upf_field_names *names,
                      struct upf_fields *found)
{
    const uint8_t *const bytes = (const uint8_t *)text;
    vec      name[LOOK / VEC];
    uint64_t others = 0;
    bool     is_known = true;

    for (unsigned i = 0; i < LOOK / VEC; i++) {
        name[i] = vec_load(bytes + i * VEC);
        others |= strangers(name[i], columns) << i * VEC;
    }
    if (others == 0)
        return false;
    const size_t n = first_bit(others);
    if (n == 0 || text[n] != ':')
        return false;

    const unsigned field = names->at[UPF_NAME_PLACE(bytes[0], n)];
    const uint8_t *known = (const uint8_t *)names->known[field];
    /* 0x20 makes letters lower case. */
    for (unsigned i = 0; i < LOOK / VEC; i++) {
        const vec wanted = vec_load(known + i * VEC);
        is_known &= vec_has(
            vec_same(vec_or(name[i], vec_fill8(0x20)), wanted), wanted);
    }
    if (!is_known || known[n - 1] == '\0')
        return true; /* not a known name */

    /* There must be one space after the colon, then the value, with no white
     * space at its ends. If the line ends too early, the CR after it is met in
     * place of the space or the value, and fails: no byte after it is read. */
    if (text[n + 1] != ' ' || !is_visible(text[n + 2]) ||
        !is_visible(text[len - 1]))
        return false;
    upf_note_field(found, field, (upf_str){text + n + 2, len - n - 2});
    return true;
}

/*
 * The text is looked at in blocks of 64 bytes; the last one may overlap the one
 * before it. Of control characters next to each other only the first counts: it
 * must be the CR of a CR LF, after which the next name begins.
 */
FIELDS(const char *text, size_t len, const struct upf_field_names *names,
       struct upf_fields *found)
{
    if (len <= 64)
        return 0;

    const vec columns = vec_table(names->characters);
    /* The last byte is not looked at, so that one byte can be read after each
     * control character. */
    const char *const last = text + len - 1, *const last_look = last - LOOK;
    const char *line = text;
    uint64_t before = 0;

    for (const char *block = text; block < last; block += 64) {
        const size_t   left = (size_t)(last - block);
        const unsigned back = left < 64 ? (unsigned)(64 - left) : 0;
        const uint64_t all  = controls_of_64(block - back);
        uint64_t bits = (all & ~(all << 1 | before)) >> back;

        for (; bits != 0; bits &= bits - 1) {
            const char *at = block + first_bit(bits);
            if (memcmp(at, "\r\n", 2) != 0 || line > last_look ||
                !note_line(line, (size_t)(at - line), columns, names, found))
                return (size_t)(line - text);
            found->lines++;
            line = at + 2;
        }
        before = all >> 63;
    }
    return (size_t)(line - text);
}

#ifdef SPAN

SPAN(const char *text, size_t len, const uint8_t set[16])
{
    const vec columns = vec_table(set);
    size_t n = 0;

    for (; len - n >= VEC; n += VEC) {
        const uint64_t others =
            strangers(vec_load((const uint8_t *)text + n), columns);
        if (others != 0)
            return n + first_bit(others);
    }
    if (n > 0 && n < len) { /* some bytes are looked at twice */
        const uint64_t others =
            strangers(vec_load((const uint8_t *)text + len - VEC), columns) >>
            (VEC - (len - n));
        return others != 0 ? n + first_bit(others) : len;
    }
    while (n < len && upf_is_in(set, text[n]))
        n++;
    return n;
}

#endif
#endif
