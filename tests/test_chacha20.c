/* SPDX-License-Identifier: MIT */
/* test_chacha20.c - the stream that random bytes are drawn from. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "chacha20.h"

enum { BLOCK = 64, BLOCKS = UPF_CHACHA20_BYTES / BLOCK };

/* A block as RFC 8439 writes it down: little-endian, not interleaved. */
static void block(const uint8_t *key, uint32_t number, uint8_t out[BLOCK])
{
    uint8_t  stream[UPF_CHACHA20_BYTES];
    uint32_t word;

    upf_chacha20(key, number / BLOCKS, stream);
    for (size_t i = 0; i < BLOCK / sizeof word; i++) {
        memcpy(&word, stream + (i * BLOCKS + number % BLOCKS) * sizeof word,
               sizeof word);
        for (size_t byte = 0; byte < sizeof word; byte++)
            out[i * sizeof word + byte] = (uint8_t)(word >> 8 * byte);
    }
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

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t key[UPF_CHACHA20_KEY] = {0};
        uint8_t out[BLOCK];

        key[rows[i].key_at] = rows[i].key_byte;
        block(key, rows[i].number, out);
        assert_memory_equal(out, rows[i].begins, 8);
        assert_memory_equal(out + BLOCK - 16, rows[i].ends, 16);
    }
}

/* A batch of random.c writes over the key that it is drawn with. */
static void the_key_may_lie_where_the_stream_goes(void **state)
{
    (void)state;
    uint8_t apart[UPF_CHACHA20_BYTES], together[UPF_CHACHA20_BYTES];
    uint8_t key[UPF_CHACHA20_KEY];

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(7 * i);
    memcpy(together, key, sizeof key);
    upf_chacha20(key, 3, apart);
    upf_chacha20(together, 3, together);
    assert_memory_equal(apart, together, sizeof apart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gives_the_blocks_of_the_rfc),
        cmocka_unit_test(the_key_may_lie_where_the_stream_goes),
    };

    return cmocka_run_group_tests_name("chacha20", tests, NULL, NULL);
}
