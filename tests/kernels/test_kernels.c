/* SPDX-License-Identifier: MIT */
/* test_kernels.c - each set of kernels against the scalar one, and the choice
 * among them. test_conn_next.c has the connection on them. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/kernels.h"
#include "kernels/kernels_text.h"
#include "mask.h"
#include "sha1.h"
#include "utf8.h"
#include "support/fakes.h"
#include "support/guard.h"

/* Those of this machine, NULL behind them: to ask for them takes its time. */
static const struct upf_kernels *sets[16];

/* Each set in turn: `for (EACH_SET(set))`. */
#define EACH_SET(set) \
    size_t set##_at = 0; ((set) = sets[set##_at]) != NULL; set##_at++

static const uint8_t key_bytes[4] = {0x37, 0xFA, 0x21, 0x3D};

/* Whatever a test forced, the next one begins with the fastest. */
static int choose_again(void **state)
{
    (void)state;
    upf_kernels_force(NULL);
    return 0;
}

/* A small build (UPF_SMALL) has no loops over text. */
static void need_loops_over_text(void)
{
    if (upf_kernels_scalar.utf8 == NULL)
        skip(); /* UPF_SMALL: utf8.c checks text by itself */
}

static void assert_bytes(const struct upf_kernels *set, const uint8_t *got,
                         const uint8_t *expected, size_t len)
{
    for (size_t i = 0; i < len && memcmp(got, expected, len) != 0; i++)
        if (got[i] != expected[i])
            fail_msg("%s: byte %zu of %zu is %02X, expected %02X", set->name,
                     i, len, got[i], expected[i]);
}

/* ---- Masking ------------------------------------------------------------ */

enum {
    LEN_MAX    = 1100,
    ALIGNMENTS = 64,
    MARGIN     = 64, /* canaries on either side */
    PLACE      = MARGIN + ALIGNMENTS + LEN_MAX + MARGIN
};

static uint8_t plain[LEN_MAX];
static uint8_t masked[4][LEN_MAX]; /* what each phase of the key makes of it */
static uint8_t canaries[PLACE];

/* The sets, and the definition in section 5.3, and nothing else. */
static int prepare(void **state)
{
    (void)state;
    for (size_t i = 0; (sets[i] = upf_kernels_at(i)) != NULL; i++)
        assert_true(i + 1 < sizeof sets / sizeof *sets);
    for (size_t i = 0; i < LEN_MAX; i++) {
        plain[i] = (uint8_t)(i * 73 + (i >> 8) * 11 + 5);
        for (size_t phase = 0; phase < 4; phase++)
            masked[phase][i] = plain[i] ^ key_bytes[(phase + i) % 4];
    }
    memset(canaries, 0x5A, sizeof canaries);
    return 0;
}

/* place[at, at + len) is masked, and the rest is as it was. */
static void assert_only_this(const struct upf_kernels *set,
                             const uint8_t *place, size_t at, size_t len,
                             size_t phase)
{
    const size_t behind = at + len;

    assert_bytes(set, place, canaries, at);
    assert_bytes(set, place + at, masked[phase], len);
    assert_bytes(set, place + behind, canaries, PLACE - behind);
}

static void mask_everywhere(const struct upf_kernels *set, size_t align,
                            size_t len, size_t phase)
{
    static uint8_t place[PLACE], src[LEN_MAX + ALIGNMENTS];
    const uint32_t key   = upf_mask_key_at(key_bytes, phase);
    const size_t   at    = MARGIN + align;
    const size_t   other = (align * 7 + len) % ALIGNMENTS;

    memcpy(place, canaries, PLACE);
    memcpy(place + at, plain, len);
    set->mask(place + at, place + at, len, key);
    assert_only_this(set, place, at, len, phase);

    memcpy(place, canaries, PLACE);
    memcpy(src + other, plain, len);
    set->mask(place + at, src + other, len, key);
    assert_only_this(set, place, at, len, phase);
    assert_bytes(set, src + other, plain, len);
}

static void each_set_masks_every_length_at_every_place(void **state)
{
    (void)state;
    need_loops_over_text();
    const struct upf_kernels *set;

    for (EACH_SET(set))
        for (size_t align = 0; align < ALIGNMENTS; align++)
            for (size_t len = 0; len <= LEN_MAX; len++)
                for (size_t phase = 0; phase < 4; phase++)
                    mask_everywhere(set, align, len, phase);
}

/* Against one guard page: all the lengths, at the end or at the beginning. */
static void mask_at_the_edge(const struct upf_kernels *set, bool end)
{
    uint8_t *dst = end ? guard_end(LEN_MAX) : guard_begin(LEN_MAX);
    uint8_t *src = end ? guard_end(LEN_MAX) : guard_begin(LEN_MAX);

    for (size_t len = 0; len <= LEN_MAX; len++) {
        const size_t at = end ? LEN_MAX - len : 0;
        for (size_t phase = 0; phase < 4; phase++) {
            const uint32_t key = upf_mask_key_at(key_bytes, phase);
            memcpy(src + at, plain, len);
            set->mask(dst + at, src + at, len, key);
            assert_bytes(set, dst + at, masked[phase], len);
            set->mask_utf8(dst + at, src + at, len, key);
            assert_bytes(set, dst + at, masked[phase], len);
            set->mask_utf8(src + at, src + at, len, key);
            assert_bytes(set, src + at, masked[phase], len);
            set->utf8(src + at, len);
            set->mask(dst + at, dst + at, len, key);
            assert_bytes(set, dst + at, plain, len);
        }
    }
    guard_free(dst, LEN_MAX);
    guard_free(src, LEN_MAX);
}

static void no_set_touches_what_is_around_its_bytes(void **state)
{
    (void)state;
    need_loops_over_text();
    const struct upf_kernels *set;

    for (EACH_SET(set)) {
        mask_at_the_edge(set, true);
        mask_at_the_edge(set, false);
    }
}

/* ---- UTF-8 -------------------------------------------------------------- */

enum {
    TEXT_MAX = 1200,
    EARLY    = 4 * 64 + 3 /* how far a set may stop before the scalar one */
};

struct verdict {
    size_t  at;
    uint8_t state;
};

/* Text that ends where memory does, its masked form, and a place for that. */
static uint8_t *text_end, *masked_end, *out_end;

static int map_texts(void **state)
{
    text_end   = guard_end(TEXT_MAX) + TEXT_MAX;
    masked_end = guard_end(TEXT_MAX) + TEXT_MAX;
    out_end    = guard_end(TEXT_MAX) + TEXT_MAX;
    return choose_again(state);
}

static int unmap_texts(void **state)
{
    guard_free(text_end - TEXT_MAX, TEXT_MAX);
    guard_free(masked_end - TEXT_MAX, TEXT_MAX);
    guard_free(out_end - TEXT_MAX, TEXT_MAX);
    return choose_again(state);
}

static void fail_text(const struct upf_kernels *set, const uint8_t *text,
                      size_t len, const char *what, size_t got, size_t wanted)
{
    for (size_t i = 0; i < len; i++)
        print_error("%02X%s", text[i], i % 32 == 31 ? "\n" : " ");
    fail_msg("%s, %zu bytes: %s %zu, expected %zu", set->name, len, what, got,
             wanted);
}

static void assert_verdict(const struct upf_kernels *set, const uint8_t *text,
                           size_t len, struct verdict got,
                           struct verdict expected)
{
    if (got.at != expected.at)
        fail_text(set, text, len, "index", got.at, expected.at);
    if (got.at == len && got.state != expected.state)
        fail_text(set, text, len, "state", got.state, expected.state);
}

/* What `utf8` may return: whole code points, of those that are good. */
static void assert_prefix(const struct upf_kernels *set, const uint8_t *text,
                          size_t len, size_t got, size_t most)
{
    if (got > most || most - got > EARLY)
        fail_text(set, text, len, "prefix", got, most);
    if (got < most && (text[got] & 0xC0) == 0x80)
        fail_text(set, text, len, "half a code point before", got, most);
}

static struct verdict check(const uint8_t *text, size_t len)
{
    struct verdict verdict = {0, UPF_UTF8_START};

    verdict.at = upf_utf8_check(&verdict.state, text, len);
    return verdict;
}

/* All sets say of the text what the scalar one does, masked or not. */
static void assert_agreed(const uint8_t *bytes, size_t len)
{
    uint8_t *const text = text_end - len, *const cipher = masked_end - len;
    uint8_t *const out  = out_end - len;
    const uint32_t key  = upf_mask_key_at(key_bytes, 0);
    const struct upf_kernels *set;

    memcpy(text, bytes, len);
    upf_kernels_scalar.mask(cipher, text, len, key);
    upf_kernels_force(&upf_kernels_scalar);
    const struct verdict expected = check(text, len);
    const size_t         most     = upf_kernels_scalar.utf8(text, len);

    for (EACH_SET(set)) {
        struct verdict got = {0, UPF_UTF8_START};

        assert_prefix(set, text, len, set->utf8(text, len), most);
        upf_kernels_force(set);
        assert_verdict(set, text, len, check(text, len), expected);
        got.at = upf_utf8_check_masked(&got.state, out, cipher, len, key);
        assert_verdict(set, text, len, got, expected);
        assert_bytes(set, out, text, len);
    }
}

/* What a text may be full of. */
static const char *const backgrounds[] = {
    "a", "\xD0\xB6", "\xE4\xB8\xAD", "\xF0\x9F\x98\x80"
};

enum { BACKGROUNDS = sizeof backgrounds / sizeof *backgrounds };

static void fill(uint8_t *text, size_t from, size_t to, const char *piece)
{
    const size_t size = strlen(piece);

    for (; (to - from) % size != 0; from++)
        text[from] = 'a';
    for (; from < to; from += size)
        memcpy(text + from, piece, size);
}

/* The sequence at `at`, at the end of a text and inside of one. */
static void place(const uint8_t *sequence, size_t len, size_t at,
                  const char *background)
{
    enum { BEHIND = 70, SHORT = 200, LONG = 260 + BEHIND };
    const size_t whole = at + len + BEHIND <= SHORT ? SHORT : LONG;
    uint8_t text[LONG];

    fill(text, 0, at, background);
    memcpy(text + at, sequence, len);
    assert_agreed(text, at + len);
    fill(text, at + len, whole, background);
    assert_agreed(text, whole);
}

/* Where vectors of 16, 32 and 64 bytes, and four of them, begin and end. */
static const size_t seams[] = {0, 14, 15, 16, 30, 31, 32, 47, 61, 62, 63, 64,
                               125, 127, 128, 191, 253, 254, 255, 256};

enum { SEAMS = sizeof seams / sizeof *seams, LAST_PLACE = 130 };

static void each_set_judges_every_byte_at_every_place(void **state)
{
    (void)state;
    need_loops_over_text();
    for (size_t b = 0; b < BACKGROUNDS; b++)
        for (size_t at = 0; at <= LAST_PLACE; at++)
            for (unsigned byte = 0; byte < 256; byte++)
                place(&(uint8_t){(uint8_t)byte}, 1, at, backgrounds[b]);
}

static void each_set_judges_every_two_bytes_at_the_seams(void **state)
{
    (void)state;
    need_loops_over_text();
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const uint8_t two[] = {(uint8_t)(pair >> 8), (uint8_t)pair};
        place(two, 2, seams[pair % SEAMS], backgrounds[pair / 3 % BACKGROUNDS]);
        place(two, 2, pair % (LAST_PLACE + 1), "a");
        place(two, 2, 31, "a");
        place(two, 2, 63, "a");
    }
}

/* Bytes on either side of each limit in the grammar. */
static const uint8_t telling[] = {
    0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
    0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF
};

enum { TELLING = sizeof telling, CONTINUATIONS = 7 };

static void each_set_judges_three_bytes_at_the_seams(void **state)
{
    (void)state;
    need_loops_over_text();
    for (size_t i = 0; i < TELLING * TELLING * TELLING; i++) {
        const uint8_t three[] = {telling[i % TELLING],
                                 telling[i / TELLING % TELLING],
                                 telling[i / TELLING / TELLING]};
        place(three, 3, seams[i % SEAMS], backgrounds[i / SEAMS % BACKGROUNDS]);
        place(three, 3, i % (LAST_PLACE + 1), "a");
    }
}

/* A lead, and all ways to go on from it. */
static void each_set_judges_four_bytes_at_every_place(void **state)
{
    (void)state;
    need_loops_over_text();
    size_t b = 0;

    for (size_t i = CONTINUATIONS; i < TELLING; i++)
        for (size_t j = 0; j <= CONTINUATIONS; j++)
            for (size_t k = 0; k <= CONTINUATIONS; k++)
                for (size_t at = 0; at <= LAST_PLACE; at++, b++) {
                    const uint8_t four[] = {
                        telling[i], telling[j], telling[k],
                        telling[b / 4 % (CONTINUATIONS + 1)]
                    };
                    place(four, 4, at, backgrounds[b % BACKGROUNDS]);
                }
}

/* Runs of one script after another. */
static size_t random_text(uint8_t *text, size_t most,
                          struct fake_random *random)
{
    size_t len = 0;

    for (;;) {
        const char *piece = backgrounds[fake_choice(random, BACKGROUNDS)];
        for (size_t n = fake_choice(random, 60) + 1; n > 0; n--) {
            if (most - len < strlen(piece))
                return len;
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
    }
}

static void mutate(uint8_t *text, size_t len, struct fake_random *random)
{
    uint8_t *byte = text + fake_choice(random, len);

    if (fake_choice(random, 2))
        *byte ^= (uint8_t)(1u << fake_choice(random, 8));
    else
        *byte = telling[fake_choice(random, TELLING)];
}

static void each_set_finds_random_faults_in_long_texts(void **state)
{
    (void)state;
    need_loops_over_text();
    struct fake_random random = {.state = 5};
    uint8_t text[TEXT_MAX];

    for (int i = 0; i < 40000; i++) {
        size_t len = random_text(text, 1 + fake_choice(&random, TEXT_MAX),
                                 &random);
        for (size_t n = len > 0 ? fake_choice(&random, 3) : 0; n > 0; n--)
            mutate(text, len, &random);
        if (fake_choice(&random, 4) == 0)
            len = fake_choice(&random, len + 1);
        assert_agreed(text, len);
    }
}

/* In two pieces, the second of them masked too. */
static struct verdict check_cut(const uint8_t *text, size_t len, size_t cut)
{
    uint8_t piece[TEXT_MAX];
    struct verdict verdict = check(text, cut);

    if (verdict.at < cut)
        return verdict;
    for (size_t i = cut; i < len; i++)
        piece[i - cut] = text[i] ^ key_bytes[i % 4];
    verdict.at += upf_utf8_check_masked(&verdict.state, piece, piece, len - cut,
                                        upf_mask_key_at(key_bytes, cut));
    assert_memory_equal(piece, text + cut, len - cut);
    return verdict;
}

static void each_set_judges_a_text_cut_anywhere_the_same(void **state)
{
    (void)state;
    need_loops_over_text();
    struct fake_random random = {.state = 6};
    const struct upf_kernels *set;
    uint8_t text[200];

    for (int i = 0; i < 400; i++) {
        const size_t len = random_text(text, sizeof text, &random);
        if (i % 4 != 0)
            mutate(text, len, &random);
        upf_kernels_force(&upf_kernels_scalar);
        const struct verdict expected = check(text, len);
        for (EACH_SET(set)) {
            upf_kernels_force(set);
            for (size_t cut = 0; cut <= len; cut++)
                assert_verdict(set, text, len, check_cut(text, len, cut),
                               expected);
        }
    }
}

/* ---- SHA-1 -------------------------------------------------------------- */

static void a_handshakes_sixty_bytes_digest_the_same(void **state)
{
    (void)state;
    const struct upf_kernels *set;
    struct fake_random random = {.state = 9};
    uint8_t *head = guard_end(24), *tail = guard_end(36);
    uint8_t *digest = guard_end(UPF_SHA1_SIZE);
    uint8_t  text[60], expected[UPF_SHA1_SIZE];

    for (int n = 0; n < 100; n++) {
        fake_random(&random, text, sizeof text);
        memcpy(head, text, 24);
        memcpy(tail, text + 24, 36);
        upf_kernels_force(&upf_kernels_scalar);
        upf_sha1(text, sizeof text, expected);
        for (EACH_SET(set)) {
            upf_kernels_force(set);
            upf_sha1_60(head, tail, digest);
            assert_bytes(set, digest, expected, sizeof expected);
        }
    }
    guard_free(head, 24);
    guard_free(tail, 36);
    guard_free(digest, UPF_SHA1_SIZE);
}

#ifndef UPF_SCALAR_ONLY

/* W(t) + K(t) of RFC 3174, section 6.1, of the block that ends 60 bytes. */
static void the_second_block_of_sixty_bytes_is_scheduled(void **state)
{
    (void)state;
    static const uint32_t k[] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC,
                                 0xCA62C1D6};
    uint32_t w[80] = {[15] = 60 * 8};

    for (unsigned t = 16; t < 80; t++) {
        const uint32_t x = w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16];
        w[t] = x << 1 | x >> 31;
    }
    for (unsigned t = 0; t < 80; t++)
        assert_int_equal(upf_sha1_second[t], (uint32_t)(w[t] + k[t / 20]));
}

#endif

#if UPF_KERNELS_X86

/* A machine with SHA instructions runs it in none of its sets. */
static void sha1_with_bmi2_is_sha1(void **state)
{
    (void)state;
    struct fake_random random = {.state = 11};
    uint8_t *text = guard_end(60);

    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2"))
        skip(); /* the processor has no such instructions */
    for (int n = 0; n < 100; n++) {
        uint8_t digest[UPF_SHA1_SIZE], expected[UPF_SHA1_SIZE];
        fake_random(&random, text, 60);
        upf_sha1(text, 60, expected);
        upf_sha1_of_60_bmi2(text, text + 24, digest);
        assert_memory_equal(digest, expected, sizeof digest);
    }
    guard_free(text, 60);
}

#endif

/* ---- The choice --------------------------------------------------------- */

#ifdef UPF_SCALAR_ONLY
enum { SIXTY_MAY_LACK = true };
#else
enum { SIXTY_MAY_LACK = false };
#endif

/* What a set lacks would be found by its first call only. Only those kernels may
 * be missing that the smallest build has no use for. */
static void check_whole(const struct upf_kernels *set)
{
    static const unsigned char none[sizeof(void (*)(void))];
    unsigned char pointers[sizeof *set];
    size_t missing = 0;

    memcpy(pointers, set, sizeof pointers);
    for (size_t at = 0; at < sizeof pointers; at += sizeof none)
        missing += memcmp(pointers + at, none, sizeof none) == 0;
    size_t allowed = 0;
    allowed += set->utf8 == NULL && UPF_SMALL;
    allowed += set->mask_utf8 == NULL && UPF_SMALL;
    allowed += set->sha1_60 == NULL && SIXTY_MAY_LACK;
    assert_int_equal(missing, allowed);
}

static void every_set_has_every_kernel(void **state)
{
    const struct upf_kernels *set;

    (void)state;
    for (size_t i = 0; (set = upf_kernels_at(i)) != NULL; i++)
        check_whole(set);
}

static const struct upf_kernels *fastest(void)
{
    const struct upf_kernels *set, *last = NULL;

    for (EACH_SET(set))
        last = set;
    return last;
}

static void the_scalar_set_is_the_first_and_always_there(void **state)
{
    (void)state;
    assert_ptr_equal(upf_kernels_at(0), &upf_kernels_scalar);
    assert_string_equal(upf_kernels_scalar.name, "scalar");
    assert_null(upf_kernels_at(100));
}

static const struct upf_kernels *before_main;

__attribute__((constructor)) static void look_before_main(void)
{
    before_main = upf_kernels();
}

static void the_fastest_set_is_in_use_before_main(void **state)
{
    (void)state;
    assert_ptr_equal(before_main, fastest());
    assert_ptr_equal(upf_kernels(), fastest());
}

static void a_forced_set_stays_until_another_is(void **state)
{
    (void)state;
    const struct upf_kernels *set;

    for (EACH_SET(set)) {
        upf_kernels_force(set);
        assert_ptr_equal(upf_kernels(), set);
    }
    upf_kernels_force(NULL);
    assert_ptr_equal(upf_kernels(), fastest());
}

#define CHOOSING(test) cmocka_unit_test_setup(test, choose_again)
#define ON_TEXTS(test) \
    cmocka_unit_test_setup_teardown(test, map_texts, unmap_texts)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHOOSING(each_set_masks_every_length_at_every_place),
        CHOOSING(no_set_touches_what_is_around_its_bytes),
        ON_TEXTS(each_set_judges_every_byte_at_every_place),
        ON_TEXTS(each_set_judges_every_two_bytes_at_the_seams),
        ON_TEXTS(each_set_judges_three_bytes_at_the_seams),
        ON_TEXTS(each_set_judges_four_bytes_at_every_place),
        ON_TEXTS(each_set_finds_random_faults_in_long_texts),
        ON_TEXTS(each_set_judges_a_text_cut_anywhere_the_same),
        CHOOSING(a_handshakes_sixty_bytes_digest_the_same),
#ifndef UPF_SCALAR_ONLY
        cmocka_unit_test(the_second_block_of_sixty_bytes_is_scheduled),
#endif
#if UPF_KERNELS_X86
        CHOOSING(sha1_with_bmi2_is_sha1),
#endif
        CHOOSING(every_set_has_every_kernel),
        CHOOSING(the_scalar_set_is_the_first_and_always_there),
        CHOOSING(the_fastest_set_is_in_use_before_main),
        CHOOSING(a_forced_set_stays_until_another_is),
    };
    return cmocka_run_group_tests_name("kernels", tests, prepare, choose_again);
}
