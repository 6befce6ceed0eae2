/* SPDX-License-Identifier: MIT */
/*
 * kernels.h - loops over bytes, in sets: one for each kind of processor.
 *
 * All sets compute the same, except where the comment on a kernel leaves a
 * choice (`utf8`, `fields`). The scalar set is the definition, and the tests
 * compare the others with it. No kernel reads or writes outside of its
 * arguments.
 */
#ifndef UPF_KERNELS_H
#define UPF_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../atomics.h"
#include "../compiler.h"

struct upf_fields; /* kernels_text.h */
struct upf_field_names;

/* For which kind of processor sets are compiled beside the scalar one: for x86,
 * for AArch64, or for none. -DUPF_SCALAR_ONLY: for none. */
#if defined(__GNUC__) && !defined(UPF_SCALAR_ONLY)
#if defined(__x86_64__)
#define UPF_KERNELS_X86 1
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define UPF_KERNELS_NEON 1
#endif
#endif
#ifndef UPF_KERNELS_X86
#define UPF_KERNELS_X86 0
#endif
#ifndef UPF_KERNELS_NEON
#define UPF_KERNELS_NEON 0
#endif

enum { UPF_CHACHA20_KEY = 32, UPF_CHACHA20_BYTES = 16 * 64 };

struct upf_kernels {
    const char *name; /* "scalar", "sse", "avx2", "avx512", "neon" */

    /*
     * XOR src[0, len) with `key`, repeated, into dst[0, len). The key is four
     * bytes in memory order, turned to src[0] (mask.h). dst == src is allowed.
     */
    void (*mask)(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key);

    /*
     * How many bytes at the start of data[0, len) are whole code points in
     * UTF-8; a code point begins at data[0]. If an error or a part of a code
     * point follows them, the result may be up to 259 bytes less, and the
     * caller finds the exact place. NULL if UPF_SMALL.
     */
    size_t (*utf8)(const uint8_t *data, size_t len);

    /* `mask`, and `utf8` of the result, in one pass. All bytes are masked, even
     * after an error. NULL if UPF_SMALL. */
    size_t (*mask_utf8)(uint8_t *dst, const uint8_t *src, size_t len,
                        uint32_t key);

    /*
     * How many characters at the beginning of text[0, len) are in `set`, a set
     * of ASCII characters: character c is bit c / 16 of byte c % 16.
     */
    size_t (*span)(const char *text, size_t len, const uint8_t set[16]);

    /*
     * Take lines "name: value" at the beginning of text[0, len), up to the
     * first that is unusual: see kernels_fields.h. Adds the fields to `found`
     * and returns how many bytes were taken. The scalar set takes none.
     */
    size_t (*fields)(const char *text, size_t len,
                     const struct upf_field_names *names,
                     struct upf_fields *found);

    /* SHA-1 of `head` and `tail` together. NULL if UPF_SCALAR_ONLY. */
    void (*sha1_60)(const uint8_t head[24], const uint8_t tail[36],
                    uint8_t digest[20]);

    /*
     * The first 16 blocks of the ChaCha20 stream for `key` and a nonce of zero
     * (RFC 8439, section 2.3), but interleaved: first the first word of each
     * block, then the second words, and so on, in the byte order of the
     * machine. That would not do for encryption, but is as good for random
     * bytes. The key may lie in `out`.
     */
    void (*chacha20)(const uint8_t key[UPF_CHACHA20_KEY],
                     uint8_t       out[UPF_CHACHA20_BYTES]);
};

/*
 * The initializer of a set. The file of each set has static functions `mask`,
 * `utf8`, `mask_utf8` and `chacha20` of its own, which are entered here. The
 * other kernels may be shared by several sets: each set names them in the
 * arguments (`.span = upf_span_sse`).
 */
#define UPF_KERNEL_SET(set, ...)                   \
    {                                              \
        .name      = set,                          \
        .mask      = mask,                         \
        .utf8      = UPF_SMALL ? NULL : utf8,      \
        .mask_utf8 = UPF_SMALL ? NULL : mask_utf8, \
        .chacha20  = chacha20,                     \
        __VA_ARGS__                                \
    }

extern const struct upf_kernels upf_kernels_scalar;

#ifdef UPF_SCALAR_ONLY

static inline const struct upf_kernels *upf_kernels(void)
{
    return &upf_kernels_scalar;
}

static inline const struct upf_kernels *upf_kernels_at(size_t index)
{
    return index == 0 ? &upf_kernels_scalar : NULL;
}

static inline void upf_kernels_force(const struct upf_kernels *kernels)
{
    (void)kernels;
}

#else

/* The set in use: the fastest that this machine runs, from before main(). */
extern UPF_ATOMIC(const struct upf_kernels *) upf_kernels_in_use;

static inline const struct upf_kernels *upf_kernels(void)
{
    return upf_atomic_load(&upf_kernels_in_use);
}

/* The sets that this machine runs, the scalar set first, the fastest last; NULL
 * after the last. */
const struct upf_kernels *upf_kernels_at(size_t index);

/* Use this set from now on, in all threads; NULL: the fastest. For tests. */
void upf_kernels_force(const struct upf_kernels *kernels);

#endif

/* ---- For the files of kernels ------------------------------------------- */

/* Every set, the scalar set first, the fastest of a processor last. */
#define UPF_KERNEL_SETS(SET) \
    SET(scalar)              \
    SET(sse)                 \
    SET(avx2)                \
    SET(avx512)              \
    SET(neon)

/* upf_choose_NAME() is in kernels_NAME.c. It returns the set, in the variant
 * that is best for this machine; NULL if this machine cannot run the set, or if
 * the set is not compiled. */
#define UPF_DECLARE_CHOOSE(name) \
    const struct upf_kernels *upf_choose_##name(void);
UPF_KERNEL_SETS(UPF_DECLARE_CHOOSE)

bool upf_has_sha(void); /* x86: the instructions for SHA */

size_t upf_span_sse(const char *text, size_t len, const uint8_t set[16]);
size_t upf_fields_avx2(const char *text, size_t len,
                       const struct upf_field_names *names,
                       struct upf_fields *found);

/* SHA-1's compression of one block (FIPS 180-4, section 6.1.2). */
void upf_sha1_block(uint32_t h[5], const uint8_t block[64]);

#ifndef UPF_SCALAR_ONLY
extern const uint32_t upf_sha1_second[80]; /* see kernels_sha1.h */
void upf_sha1_of_60(const uint8_t head[24], const uint8_t tail[36],
                    uint8_t digest[20]);
void upf_sha1_of_60_bmi2(const uint8_t head[24], const uint8_t tail[36],
                         uint8_t digest[20]);
void upf_sha1_of_60_sha(const uint8_t head[24], const uint8_t tail[36],
                        uint8_t digest[20]);
#else
#define upf_sha1_of_60 NULL
#endif

#endif
