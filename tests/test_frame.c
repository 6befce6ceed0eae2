/* SPDX-License-Identifier: MIT */
/* test_frame.c - the frame header, against its definition in section 5.2. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/frame.h>

#include "support/blob.h"
#include "support/fakes.h"
#include "support/frames.h"
#include "support/guard.h"

static uint8_t *page_end; /* the end of readable memory */

enum { PAGE = 64 }; /* bytes in front of it that we use */

static int map_a_guard_page(void **state)
{
    (void)state;
    page_end = guard_end(PAGE) + PAGE;
    return 0;
}

static int unmap_it(void **state)
{
    (void)state;
    guard_free(page_end - PAGE, PAGE);
    return 0;
}

/* The bytes of a header that its second byte announces. */
static size_t header_size(unsigned second)
{
    const unsigned form = second & 0x7F;

    return 2u + (form == 126 ? 2u : form == 127 ? 8u : 0u) +
           (second & 0x80 ? 4u : 0u);
}

/*
 * What must come of the first `there` bytes of a header: a byte that breaks a
 * rule is told of as soon as it is there.
 */
static upf_status expected_status(const uint8_t *bytes, size_t there)
{
    const unsigned opcode  = bytes[0] & 0x0F;
    const bool     control = opcode >= 8;
    const unsigned form    = bytes[1] & 0x7F;

    if (there < 1)
        return UPF_NEED_MORE;
    if ((opcode > 2 && opcode < 8) || opcode > 10)
        return UPF_ERR_OPCODE;
    if (control && bytes[0] < 0x80)
        return UPF_ERR_CONTROL;
    if (there < 2)
        return UPF_NEED_MORE;
    if (control && form > 125)
        return UPF_ERR_CONTROL;
    if (form == 126) {
        if (there < 4)
            return UPF_NEED_MORE;
        if (bytes[2] == 0 && bytes[3] < 126)
            return UPF_ERR_LENGTH;
    }
    if (form == 127) {
        static const uint8_t none[6] = {0};

        if (there < 10)
            return UPF_NEED_MORE;
        if (bytes[2] > 0x7F || memcmp(bytes + 2, none, 6) == 0)
            return UPF_ERR_LENGTH;
    }
    return there < header_size(bytes[1]) ? UPF_NEED_MORE : UPF_OK;
}

/* Parse from memory that ends behind `len` bytes. */
static upf_status parse(const uint8_t *bytes, size_t len,
                        upf_frame_header *header, size_t *header_len)
{
    uint8_t *exact = page_end - len;

    memcpy(exact, bytes, len);
    return upf_frame_header_parse(exact, len, header, header_len);
}

static void check_header(const upf_frame_header *header, size_t header_len,
                         const uint8_t *bytes, size_t len)
{
    struct frame frame;

    assert_true(get_frame(bytes, len, &frame));
    assert_int_equal(header_len, frame.header_len);
    assert_int_equal(header->opcode, frame.first & 0x0F);
    assert_int_equal(header->fin, frame.first >= 0x80);
    assert_int_equal(header->rsv, frame.first >> 4 & 7);
    assert_int_equal(header->masked, frame.masked);
    assert_true(header->payload_len == frame.len);
    assert_memory_equal(header->mask_key, frame.key, 4);
}

/* Every truncation of one header, and one byte behind it. */
static void check_truncations(const uint8_t *bytes, size_t len)
{
    for (size_t there = 0; there <= len; there++) {
        upf_frame_header header, before;
        size_t           header_len = 99;

        memset(&header, 0xA5, sizeof header);
        memcpy(&before, &header, sizeof header);

        const upf_status got = parse(bytes, there, &header, &header_len);
        if (got != expected_status(bytes, there))
            fail_msg("%02x %02x, %zu bytes: %s, not %s", bytes[0], bytes[1],
                     there, upf_status_name(got),
                     upf_status_name(expected_status(bytes, there)));
        if (got == UPF_OK) {
            check_header(&header, header_len, bytes, there);
        } else {
            assert_int_equal(header_len, 99);
            assert_int_equal(memcmp(&header, &before, sizeof header), 0);
        }
    }
}

static void every_pair_of_first_bytes_is_judged_at_every_length(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {
        0, 1, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537,
        UINT64_C(0x7FFFFFFF), UINT64_C(0x80000000), UINT64_C(0x80000001),
        UINT64_C(0xFFFFFFFF), UINT64_C(0x100000000), UINT64_C(0x100000005),
        UINT64_C(0x1FFFFFFFFFFFFF), UINT64_C(0x20000000000001),
        UINT64_C(0x7FFFFFFFFFFFFFFF), UINT64_C(0x8000000000000000),
        UINT64_MAX - 14, UINT64_MAX - 1, UINT64_MAX,
    };

    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const unsigned form = pair & 0x7F;
        const size_t   variants =
            form < 126 ? 1 : sizeof lengths / sizeof *lengths;

        for (size_t i = 0; i < variants; i++) {
            uint8_t bytes[16] = {(uint8_t)(pair >> 8), (uint8_t)pair};
            const size_t len  = header_size(pair);
            size_t       at   = 2;

            if (form == 126) {
                bytes[at++] = (uint8_t)(lengths[i] >> 8);
                bytes[at++] = (uint8_t)lengths[i];
            } else if (form == 127) {
                for (int shift = 56; shift >= 0; shift -= 8)
                    bytes[at++] = (uint8_t)(lengths[i] >> shift);
            }
            while (at < sizeof bytes)
                bytes[at] = (uint8_t)(0xA0 + at), at++;
            check_truncations(bytes, len + 1);
        }
    }
}

static void no_bytes_at_all_need_more(void **state)
{
    (void)state;
    upf_frame_header header;
    size_t           len;

    assert_int_equal(upf_frame_header_parse(NULL, 0, &header, &len),
                     UPF_NEED_MORE);
}

/* The examples of section 5.7: header bytes and what they say. */
static const struct golden {
    size_t           len;
    uint8_t          bytes[14];
    upf_frame_header header;
} golden[] = {
    {2, {0x81, 0x05}, {UPF_OP_TEXT, true, false, 0, {0}, 5}},
    {6, {0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D},
     {UPF_OP_TEXT, true, true, 0, {0x37, 0xFA, 0x21, 0x3D}, 5}},
    {2, {0x01, 0x03}, {UPF_OP_TEXT, false, false, 0, {0}, 3}},
    {2, {0x80, 0x02}, {UPF_OP_CONTINUATION, true, false, 0, {0}, 2}},
    {2, {0x89, 0x05}, {UPF_OP_PING, true, false, 0, {0}, 5}},
    {6, {0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D},
     {UPF_OP_PONG, true, true, 0, {0x37, 0xFA, 0x21, 0x3D}, 5}},
    {4, {0x82, 0x7E, 0x01, 0x00}, {UPF_OP_BINARY, true, false, 0, {0}, 256}},
    {10, {0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0},
     {UPF_OP_BINARY, true, false, 0, {0}, 65536}},
};

static void the_rfc_examples_are_read_as_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const struct golden *g = &golden[i];
        upf_frame_header     header;
        size_t               len;

        assert_int_equal(parse(g->bytes, g->len, &header, &len), UPF_OK);
        assert_int_equal(len, g->len);
        assert_int_equal(header.opcode, g->header.opcode);
        assert_int_equal(header.fin, g->header.fin);
        assert_int_equal(header.masked, g->header.masked);
        assert_int_equal(header.rsv, 0);
        assert_memory_equal(header.mask_key, g->header.mask_key, 4);
        assert_true(header.payload_len == g->header.payload_len);
    }
}

static void the_rfc_examples_are_written_as_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        uint8_t out[UPF_FRAME_HEADER_MAX];

        assert_int_equal(upf_frame_header_write(&golden[i].header, out),
                         golden[i].len);
        assert_memory_equal(out, golden[i].bytes, golden[i].len);
    }
}

static void what_is_written_is_the_shortest_form_and_reads_back(void **state)
{
    (void)state;
    static const struct { uint64_t len; size_t size; } table[] = {
        {0, 2}, {1, 2}, {124, 2}, {125, 2}, {126, 4}, {127, 4}, {128, 4},
        {65534, 4}, {65535, 4}, {65536, 10}, {65537, 10},
        {UINT32_MAX, 10}, {UINT64_C(1) << 32, 10},
        {(UINT64_C(1) << 53) + 1, 10}, {(UINT64_C(1) << 63) - 1, 10},
    };

    for (unsigned first = 0; first < 256; first++)
        for (unsigned masked = 0; masked < 2; masked++)
            for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
                const upf_frame_header header = {
                    .opcode = (upf_opcode)(first & 0x0F),
                    .fin = first >= 0x80, .rsv = first >> 4 & 7,
                    .masked = masked, .mask_key = {1, 2, 3, 4},
                    .payload_len = table[i].len,
                };
                uint8_t      out[UPF_FRAME_HEADER_MAX + 1];
                struct frame frame;

                memset(out, 0xA5, sizeof out);
                const size_t len = upf_frame_header_write(&header, out);

                assert_int_equal(len, table[i].size + 4 * masked);
                assert_int_equal(out[len], 0xA5);
                assert_true(get_frame(out, len, &frame));
                assert_int_equal(frame.header_len, len);
                assert_int_equal(frame.first, first);
                assert_int_equal(frame.masked, masked);
                assert_true(frame.len == table[i].len);
                if (masked)
                    assert_memory_equal(frame.key, header.mask_key, 4);
                if (expected_status(out, len) == UPF_OK)
                    check_truncations(out, len);
            }
}

static void a_header_is_read_without_a_look_at_what_follows(void **state)
{
    (void)state;
    uint8_t bytes[16] = {0x82, 0xFE, 0x01, 0x00, 9, 8, 7, 6};
    upf_frame_header one, other;
    size_t           one_len, other_len;

    assert_int_equal(parse(bytes, 8, &one, &one_len), UPF_OK);
    memset(bytes + 8, 0xFF, 8);
    assert_int_equal(parse(bytes, 16, &other, &other_len), UPF_OK);
    assert_int_equal(one_len, other_len);
    assert_true(one.payload_len == other.payload_len);
    assert_memory_equal(one.mask_key, other.mask_key, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_first_bytes_is_judged_at_every_length),
        cmocka_unit_test(no_bytes_at_all_need_more),
        cmocka_unit_test(the_rfc_examples_are_read_as_printed),
        cmocka_unit_test(the_rfc_examples_are_written_as_printed),
        cmocka_unit_test(what_is_written_is_the_shortest_form_and_reads_back),
        cmocka_unit_test(a_header_is_read_without_a_look_at_what_follows),
    };

    return cmocka_run_group_tests(tests, map_a_guard_page, unmap_it);
}
