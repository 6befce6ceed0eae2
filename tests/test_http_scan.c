/* SPDX-License-Identifier: MIT */
/* test_http_scan.c - the end of an HTTP head that comes in pieces. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http.h"
#include "http_scan.h"
#include "support/guard.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct upf_head_limits wide = {16384, 8192, 100};

/* ---- The oracle: each rule on its own; the first fault counts --------- */

static bool is_line_start(const uint8_t *d, size_t i)
{
    return i == 0 || (i >= 2 && d[i - 2] == '\r' && d[i - 1] == '\n');
}

static size_t line_start_before(const uint8_t *d, size_t i)
{
    while (!is_line_start(d, i))
        i--;
    return i;
}

static size_t lines_before(const uint8_t *d, size_t i)
{
    size_t n = 0;

    for (size_t k = 1; k <= i; k++)
        n += is_line_start(d, k);
    return n;
}

/* Of the byte d[i], where all before it are without fault. */
static upf_status judge_byte(const uint8_t *d, size_t i,
                             const struct upf_head_limits *limits)
{
    const bool after_cr = i > 0 && d[i - 1] == '\r';
    const bool starts = is_line_start(d, i);
    const bool led = i >= 2 && d[0] == '\r'; /* by an empty line */
    const size_t line = lines_before(d, i) - (led ? 1 : 0);

    if (i >= limits->bytes)
        return UPF_ERR_HEAD_TOO_BIG;
    if ((d[i] == '\n') != after_cr)
        return UPF_ERR_HTTP;
    if (d[i] == '\n')
        return UPF_OK;
    if (d[i] == '\r')
        return starts && line == 0 && i > 0 ? UPF_ERR_HTTP : UPF_OK;
    if ((d[i] < 0x20 && d[i] != '\t') || d[i] == 0x7F)
        return UPF_ERR_HTTP;
    if (starts && (d[i] == ' ' || d[i] == '\t'))
        return UPF_ERR_HTTP;
    if (starts && line > limits->lines)
        return UPF_ERR_HEAD_TOO_BIG;
    if (i - line_start_before(d, i) >= limits->line)
        return UPF_ERR_HEAD_TOO_BIG;
    return UPF_OK;
}

static upf_status oracle(const uint8_t *d, size_t len,
                         const struct upf_head_limits *limits, size_t *taken)
{
    for (size_t i = 0; i < len; i++) {
        const upf_status status = judge_byte(d, i, limits);
        if (status != UPF_OK) {
            *taken = i;
            return status;
        }
        if (i >= 3 && memcmp(d + i - 3, "\r\n\r\n", 4) == 0) {
            *taken = i + 1;
            return UPF_OK;
        }
    }
    *taken = len;
    return UPF_NEED_MORE;
}

/* ---- Feeding ---------------------------------------------------------- */

/* Scan d[0, len) in pieces of at most `piece` bytes, each of them alone at the
 * end of guarded memory: what was taken before is not there any more. */
static upf_status scan_pieces(const uint8_t *d, size_t len, size_t piece,
                              const struct upf_head_limits *limits,
                              size_t *total)
{
    enum { CAP = 32768 };
    static uint8_t *memory; /* the same each time: a map costs a system call */
    struct upf_head_scan scan = {0};
    upf_status status = UPF_NEED_MORE;

    if (memory == NULL)
        memory = guard_end(CAP);
    *total = 0;
    while (status == UPF_NEED_MORE && *total < len) {
        const size_t n = piece < len - *total ? piece : len - *total;
        uint8_t *alone = memory + CAP - n;
        size_t taken = CAP;

        memcpy(alone, d + *total, n);
        status = upf_head_scan(&scan, limits, alone, n, &taken);
        memset(alone, 0xEE, n);
        if (status == UPF_NEED_MORE)
            assert_int_equal(taken, n);
        assert_in_range(taken, 0, n);
        *total += taken;
    }
    return status;
}

static void assert_scanned_like_the_oracle(const uint8_t *d, size_t len,
                                           size_t piece,
                                           const struct upf_head_limits *limits)
{
    size_t expected_taken, taken;
    const upf_status expected = oracle(d, len, limits, &expected_taken);
    const upf_status status = scan_pieces(d, len, piece, limits, &taken);

    if (status != expected || taken != expected_taken)
        fail_msg("%s at %zu, not %s at %zu, in pieces of %zu: \"%.*s\"",
                 upf_status_name(status), taken, upf_status_name(expected),
                 expected_taken, piece, (int)len, (const char *)d);
}

static const char *const heads[] = {
    "GET / HTTP/1.1\r\n\r\n",
    "GET /chat HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: example.com:8080\r\nX:\t\x80\xFF y\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    "\r\n\r\n",
    "GET / HTTP/1.1\r\n continued: line\r\n\r\n",
    "a\r\nb\r\nc\r\nd\r\n\r\nframes follow\r\n\r\n",
};

static void a_head_ends_at_its_blank_line_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t h = 0; h < COUNT(heads); h++) {
        const size_t len = strlen(heads[h]);
        for (size_t piece = 1; piece <= len; piece++)
            assert_scanned_like_the_oracle((const uint8_t *)heads[h], len,
                                           piece, &wide);
    }
    size_t taken;
    assert_int_equal(scan_pieces((const uint8_t *)heads[0], 18, 18, &wide,
                                 &taken), UPF_OK);
    assert_int_equal(taken, 18);
}

static void every_truncation_needs_more(void **state)
{
    (void)state;
    for (size_t h = 0; h < 4; h++) {
        const size_t len = strlen(heads[h]);
        for (size_t cut = 0; cut < len; cut++) {
            size_t taken;
            assert_int_equal(scan_pieces((const uint8_t *)heads[h], cut,
                                         cut + 1, &wide, &taken),
                             UPF_NEED_MORE);
        }
    }
}

static void every_substitution_is_judged_like_the_oracle(void **state)
{
    (void)state;
    for (size_t h = 0; h < 4; h++) {
        const size_t len = strlen(heads[h]);
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                uint8_t head[256];
                memcpy(head, heads[h], len);
                head[at] = (uint8_t)c;
                assert_scanned_like_the_oracle(head, len, len, &wide);
                assert_scanned_like_the_oracle(head, len, 7, &wide);
            }
        }
    }
}

static void what_no_head_can_hold_is_refused_where_it_stands(void **state)
{
    (void)state;
    static const struct { const char *head; size_t at; } refused[] = {
        {"\n", 0},               /* bare LF */
        {"GET\n", 3},
        {"GET / HTTP/1.1\r\nA: b\n\r\n", 20},
        {"GET\rX", 4},           /* bare CR */
        {"GET\r\r\n", 4},
        {"\rX", 1},
        {"\r\r", 1},
        {"a\r\n\r\r", 4},        /* CR LF CR, and no LF */
        {"a\r\n\rX", 4},
        {"\r\n\r\n", 2},         /* two empty lines */
        {" GET", 0},             /* white space begins a line */
        {"\tGET", 0},
        {"\r\n GET", 2},
        {"a\r\n b: c", 3},
        {"a\r\nb: c\r\n\td", 9}, /* obs-fold */
        {"a\x7F", 1},
        {"a\r\nb: \x01", 6},
        {"a\r\nb: \x1F", 6},
        {"a\r\nb: \x0B", 6},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        size_t taken;
        const uint8_t *head = (const uint8_t *)refused[i].head;

        assert_int_equal(scan_pieces(head, strlen(refused[i].head), 64, &wide,
                                     &taken), UPF_ERR_HTTP);
        assert_int_equal(taken, refused[i].at);
    }
    size_t taken;
    assert_int_equal(scan_pieces((const uint8_t *)"a\0", 2, 2, &wide, &taken),
                     UPF_ERR_HTTP);
    assert_int_equal(taken, 1);
}

static void the_limits_are_inclusive(void **state)
{
    (void)state;
    static const char head[] =
        "GET / HTTP/1.1\r\nHost: abcdefghijkl\r\nA: b\r\nC: d\r\n\r\n";
    enum { LEN = sizeof head - 1, LINE = 18, LINES = 3 };

    for (int over = -1; over <= 1; over++) {
        const upf_status expected =
            over >= 0 ? UPF_OK : UPF_ERR_HEAD_TOO_BIG;
        const struct upf_head_limits capped[] = {
            {(uint32_t)(LEN + over), LINE, LINES},
            {LEN, (uint32_t)(LINE + over), LINES},
            {LEN, LINE, (uint32_t)(LINES + over)},
        };
        for (size_t i = 0; i < COUNT(capped); i++) {
            for (size_t piece = 1; piece <= LEN; piece++) {
                size_t taken;
                assert_int_equal(scan_pieces((const uint8_t *)head, LEN, piece,
                                             &capped[i], &taken), expected);
                assert_scanned_like_the_oracle((const uint8_t *)head, LEN,
                                               piece, &capped[i]);
            }
        }
    }
}

/* Names may repeat: it is lines that are counted. */
static void a_hundred_lines_are_taken_and_one_more_is_not(void **state)
{
    (void)state;
    for (size_t lines = 99; lines <= 101; lines++) {
        char head[1024] = "GET / HTTP/1.1\r\n";
        size_t taken;

        for (size_t i = 0; i < lines; i++)
            strcat(head, "A: b\r\n");
        strcat(head, "\r\n");
        assert_int_equal(scan_pieces((uint8_t *)head, strlen(head), 33, &wide,
                                     &taken),
                         lines <= 100 ? UPF_OK : UPF_ERR_HEAD_TOO_BIG);
        assert_int_equal(taken, lines <= 100 ? strlen(head) : 16 + 600);
    }
}

/* Every byte is handed over once and can never be read again, so the cost of
 * a head that comes byte by byte is that of its bytes. */
static void a_head_that_never_ends_is_cut_off_at_the_limit(void **state)
{
    (void)state;
    static uint8_t line[2 * 8192], head[2 * 16384];
    size_t taken;

    memset(line, 'a', sizeof line);
    assert_int_equal(scan_pieces(line, sizeof line, 1, &wide, &taken),
                     UPF_ERR_HEAD_TOO_BIG);
    assert_int_equal(taken, wide.line);

    for (size_t i = 0; i < sizeof head; i++)
        head[i] = i % 200 == 198 ? '\r' : i % 200 == 199 ? '\n' : ':';
    for (size_t piece = 1; piece < 200; piece += 66) {
        assert_int_equal(scan_pieces(head, sizeof head, piece, &wide, &taken),
                         UPF_ERR_HEAD_TOO_BIG);
        assert_int_equal(taken, wide.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_ends_at_its_blank_line_however_it_is_cut),
        cmocka_unit_test(every_truncation_needs_more),
        cmocka_unit_test(every_substitution_is_judged_like_the_oracle),
        cmocka_unit_test(what_no_head_can_hold_is_refused_where_it_stands),
        cmocka_unit_test(the_limits_are_inclusive),
        cmocka_unit_test(a_hundred_lines_are_taken_and_one_more_is_not),
        cmocka_unit_test(a_head_that_never_ends_is_cut_off_at_the_limit),
    };
    return cmocka_run_group_tests_name("http_scan", tests, NULL, NULL);
}
