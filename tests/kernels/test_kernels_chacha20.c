/* SPDX-License-Identifier: MIT */
/* test_kernels_chacha20.c - the stream that random bytes are drawn from. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kernels/kernels.h"

enum { BLOCK = 64, BLOCKS = UPF_CHACHA20_BYTES / BLOCK };

/* A block as RFC 8439 writes it down: little-endian, not interleaved. */
static void block(const struct upf_kernels *set, const uint8_t *key,
                  uint32_t number, uint8_t out[BLOCK])
{
    uint8_t  stream[UPF_CHACHA20_BYTES];
    uint32_t word;

    set->chacha20(key, stream);
    for (size_t i = 0; i < BLOCK / sizeof word; i++) {
        memcpy(&word, stream + (i * BLOCKS + number) * sizeof word,
               sizeof word);
        for (size_t byte = 0; byte < sizeof word; byte++)
            out[i * sizeof word + byte] = (uint8_t)(word >> 8 * byte);
    }
}

/* The kernels take a key as words of this machine, the RFC as little-endian
 * ones. */
static void set_key(uint8_t key[UPF_CHACHA20_KEY], size_t at, uint8_t byte)
{
    uint32_t words[UPF_CHACHA20_KEY / sizeof(uint32_t)] = {0};

    words[at / sizeof *words] = (uint32_t)byte << 8 * (at % sizeof *words);
    memcpy(key, words, sizeof words);
}

/* RFC 8439, appendix A.1, test vectors 1 to 4: those with a nonce of zero. */
static void it_gives_the_blocks_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        uint8_t     key_at, key_byte; /* all others are zero */
        uint32_t    number;
        const char *begins, *ends;
    } rows[] = {
        {0, 0x00, 0, "\x76\xb8\xe0\xad\xa0\xf1\x3d\x90",
         "\x6a\x43\xb8\xf4\x15\x18\xa1\x1c\xc3\x87\xb6\x69\xb2\xee\x65\x86"},
        {0, 0x00, 1, "\x9f\x07\xe7\xbe\x55\x51\x38\x7a",
         "\x31\xed\x1f\x28\x51\x0a\xfb\x45\xac\xe1\x0a\x1f\x4b\x79\x4d\x6f"},
        {31, 0x01, 1, "\x3a\xeb\x52\x24\xec\xf8\x49\x92",
         "\x4e\x27\x36\x44\xc8\xb3\x61\x25\xa6\x4a\xdd\xeb\x00\x6c\x13\xa0"},
        {1, 0xff, 2, "\x72\xd5\x4d\xfb\xf1\x2e\xc4\x4b",
         "\x24\xa6\x6c\x54\xd5\x45\xec\x1b\x73\x74\xf4\x87\x2e\x99\xf0\x96"},
    };

    for (size_t k = 0; upf_kernels_at(k) != NULL; k++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            uint8_t key[UPF_CHACHA20_KEY];
            uint8_t out[BLOCK];

            set_key(key, rows[i].key_at, rows[i].key_byte);
            block(upf_kernels_at(k), key, rows[i].number, out);
            assert_memory_equal(out, rows[i].begins, 8);
            assert_memory_equal(out + BLOCK - 16, rows[i].ends, 16);
        }
}

/* A batch of random.c writes over the key that it is drawn with. */
static void each_set_gives_the_same_and_may_write_over_its_key(void **state)
{
    (void)state;
    uint8_t key[UPF_CHACHA20_KEY], expected[UPF_CHACHA20_BYTES];

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(7 * i);
    upf_kernels_at(0)->chacha20(key, expected);
    for (size_t k = 0; upf_kernels_at(k) != NULL; k++) {
        struct { uint8_t before[64], out[UPF_CHACHA20_BYTES], behind[64]; } at;

        memset(&at, 0x5A, sizeof at);
        memcpy(at.out, key, sizeof key);
        upf_kernels_at(k)->chacha20(at.out, at.out);
        assert_memory_equal(at.out, expected, sizeof expected);
        for (size_t i = 0; i < sizeof at.before; i++)
            assert_int_equal(at.before[i] & at.behind[i], 0x5A);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gives_the_blocks_of_the_rfc),
        cmocka_unit_test(each_set_gives_the_same_and_may_write_over_its_key),
    };

    return cmocka_run_group_tests_name("kernels_chacha20", tests, NULL, NULL);
}
