/* SPDX-License-Identifier: MIT */
/* test_buf.c - growable bytes, and the one door to the allocator. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"

#include "support/blob.h"
#include "support/fakes.h"

/* Each call of the allocator, those that free included. */
struct door {
    struct fake_alloc alloc;
    size_t            calls;
};

static void *through(void *user, void *ptr, size_t old_size, size_t new_size)
{
    struct door *door = user;

    door->calls++;
    return fake_alloc(&door->alloc, ptr, old_size, new_size);
}

static upf_config config_of(struct door *door)
{
    upf_config config = upf_config_default();

    *door = (struct door){{.calls = 0}, 0};
    config.alloc      = through;
    config.alloc_user = door;
    return config;
}

static void fail_from_now_on(struct door *door)
{
    door->alloc.fault = (struct fault){door->alloc.calls + 1, true};
}

static void a_new_one_is_empty_and_freeing_it_asks_nobody(void **state)
{
    (void)state;
    struct door      door;
    const upf_config config = config_of(&door);
    struct upf_buf   buf    = {NULL, 0};

    assert_int_equal(upf_buf_capacity(&buf), 0);
    upf_buf_free(&buf, &config);
    upf_buf_free(&buf, &config);
    upf_mem_free(&config, NULL, 100);
    assert_int_equal(door.calls, 0);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
}

static void room_is_made_for_exactly_what_was_asked(void **state)
{
    (void)state;
    struct door      door;
    const upf_config config = config_of(&door);

    for (size_t size = 0; size < 300; size++) {
        struct upf_buf buf = {NULL, 0};

        assert_true(upf_buf_reserve(&buf, &config, size));
        assert_non_null(buf.data);
        assert_int_equal(upf_buf_capacity(&buf), size);
        assert_int_equal(buf.len, 0);
        assert_in_range(door.alloc.live, size, size + UPF_BUF_OVERHEAD);
        memset(buf.data, 0xFF, size);
        assert_int_equal(upf_buf_capacity(&buf), size);
        upf_buf_free(&buf, &config);
        assert_null(buf.data);
        assert_int_equal(door.alloc.live, 0);
    }
}

static void a_frame_header_fits_in_front_of_the_bytes(void **state)
{
    (void)state;
    struct door      door;
    const upf_config config = config_of(&door);
    struct upf_buf   buf    = {NULL, 0};

    assert_true(upf_buf_append(&buf, &config, "payload", 7));
    memset(buf.data - UPF_FRAME_HEADER_MAX, 0xFF, UPF_FRAME_HEADER_MAX);
    assert_int_equal(upf_buf_capacity(&buf), 7);
    assert_memory_equal(buf.data, "payload", 7);
    upf_buf_free(&buf, &config);
    assert_int_equal(door.alloc.live, 0);
}

static void what_fits_is_reserved_without_another_allocation(void **state)
{
    (void)state;
    struct door      door;
    const upf_config config = config_of(&door);
    struct upf_buf   buf    = {NULL, 0};

    assert_true(upf_buf_reserve(&buf, &config, 100));
    const uint8_t *data  = buf.data;
    const size_t   calls = door.calls;
    for (size_t size = 0; size <= 100; size++)
        assert_true(upf_buf_reserve(&buf, &config, size));
    assert_int_equal(door.calls, calls);
    assert_ptr_equal(buf.data, data);
    assert_int_equal(upf_buf_capacity(&buf), 100);
    assert_true(upf_buf_reserve(&buf, &config, 101));
    assert_int_equal(door.calls, calls + 1);
    upf_buf_free(&buf, &config);
}

static void bytes_stay_what_they_are_while_it_grows(void **state)
{
    (void)state;
    struct door        door;
    const upf_config   config = config_of(&door);
    struct upf_buf     buf    = {NULL, 0};
    struct fake_random random = {.state = 7};
    struct blob        model  = {0};

    for (int i = 0; i < 400; i++) {
        uint8_t      piece[64];
        const size_t len = fake_choice(&random, sizeof piece);

        assert_true(fake_random(&random, piece, sizeof piece));
        assert_true(upf_buf_append(&buf, &config, piece, len));
        blob_add(&model, piece, len);
        assert_int_equal(buf.len, model.len);
        assert_memory_equal(buf.data, model.data, model.len);
    }
    upf_buf_free(&buf, &config);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    assert_int_equal(door.alloc.live, 0);
    blob_free(&model);
}

static void nothing_may_be_appended(void **state)
{
    (void)state;
    struct door      door;
    const upf_config config = config_of(&door);
    struct upf_buf   buf    = {NULL, 0};

    assert_true(upf_buf_append(&buf, &config, NULL, 0));
    assert_int_equal(buf.len, 0);
    assert_true(upf_buf_append(&buf, &config, "x", 1));
    assert_true(upf_buf_append(&buf, &config, NULL, 0));
    assert_int_equal(buf.len, 1);
    assert_memory_equal(buf.data, "x", 1);
    upf_buf_free(&buf, &config);
}

/* ---- What cannot be had ------------------------------------------------- */

static void sizes_that_would_wrap_are_refused_without_asking(void **state)
{
    (void)state;
    struct door      door;
    const upf_config config = config_of(&door);

    for (size_t less = 0; less < UPF_BUF_OVERHEAD / 2; less++)
        for (int used = 0; used < 2; used++) {
            struct upf_buf buf = {NULL, 0};

            if (used)
                assert_true(upf_buf_append(&buf, &config, "used", 4));
            const struct upf_buf before = buf;
            const size_t         calls  = door.calls;
            assert_false(upf_buf_reserve(&buf, &config, SIZE_MAX - less));
            assert_int_equal(door.calls, calls);
            assert_ptr_equal(buf.data, before.data);
            assert_int_equal(upf_buf_capacity(&buf), used ? 4 : 0);
            upf_buf_free(&buf, &config);
        }
}

static void an_append_that_would_wrap_reads_nothing(void **state)
{
    (void)state;
    struct door      door;
    const upf_config config = config_of(&door);
    struct upf_buf   buf    = {NULL, 0};
    const uint8_t    one    = 1;

    assert_true(upf_buf_append(&buf, &config, "four", 4));
    const uint8_t *data  = buf.data;
    const size_t   calls = door.calls;
    for (size_t less = 0; less < 10; less++)
        assert_false(upf_buf_append(&buf, &config, &one, SIZE_MAX - less));
    assert_int_equal(door.calls, calls);
    assert_ptr_equal(buf.data, data);
    assert_int_equal(buf.len, 4);
    assert_int_equal(upf_buf_capacity(&buf), 4);
    assert_memory_equal(buf.data, "four", 4);
    upf_buf_free(&buf, &config);
}

static void without_memory_nothing_has_changed(void **state)
{
    (void)state;
    struct door      door;
    const upf_config config = config_of(&door);
    struct upf_buf   buf    = {NULL, 0};

    fail_from_now_on(&door);
    assert_false(upf_buf_reserve(&buf, &config, 1));
    assert_false(upf_buf_append(&buf, &config, "x", 1));
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);

    door.alloc.fault = (struct fault){0, false};
    assert_true(upf_buf_append(&buf, &config, "kept", 4));
    const uint8_t *data = buf.data;
    fail_from_now_on(&door);
    assert_false(upf_buf_reserve(&buf, &config, 1000));
    assert_false(upf_buf_append(&buf, &config, "more", 4));
    assert_ptr_equal(buf.data, data);
    assert_int_equal(buf.len, 4);
    assert_int_equal(upf_buf_capacity(&buf), 4);
    assert_memory_equal(buf.data, "kept", 4);

    upf_buf_free(&buf, &config); /* with its true size, as fake_alloc checks */
    assert_int_equal(door.alloc.live, 0);
}

/* ---- The allocator ------------------------------------------------------ */

static void a_block_goes_back_with_the_size_it_came_with(void **state)
{
    (void)state;
    struct door      door;
    const upf_config config = config_of(&door);
    uint8_t         *block  = upf_mem_alloc(&config, 10);

    assert_non_null(block);
    assert_int_equal(door.alloc.live, 10);
    memcpy(block, "0123456789", 10);
    block = upf_mem_resize(&config, block, 10, 20);
    assert_non_null(block);
    assert_memory_equal(block, "0123456789", 10);
    assert_int_equal(door.alloc.live, 20);
    upf_mem_free(&config, block, 20);
    assert_int_equal(door.alloc.live, 0);
    assert_int_equal(door.calls, 3);
}

static void the_default_is_realloc_and_free(void **state)
{
    (void)state;
    char *block = upf_default_alloc(NULL, NULL, 0, 8);

    assert_non_null(block);
    memcpy(block, "eight...", 8);
    block = upf_default_alloc(NULL, block, 8, 100000);
    assert_non_null(block);
    assert_memory_equal(block, "eight...", 8);
    assert_null(upf_default_alloc(NULL, block, 100000, 0));
    assert_null(upf_default_alloc(NULL, NULL, 0, 0));
    assert_ptr_equal(upf_config_default().alloc, upf_default_alloc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_one_is_empty_and_freeing_it_asks_nobody),
        cmocka_unit_test(room_is_made_for_exactly_what_was_asked),
        cmocka_unit_test(a_frame_header_fits_in_front_of_the_bytes),
        cmocka_unit_test(what_fits_is_reserved_without_another_allocation),
        cmocka_unit_test(bytes_stay_what_they_are_while_it_grows),
        cmocka_unit_test(nothing_may_be_appended),
        cmocka_unit_test(sizes_that_would_wrap_are_refused_without_asking),
        cmocka_unit_test(an_append_that_would_wrap_reads_nothing),
        cmocka_unit_test(without_memory_nothing_has_changed),
        cmocka_unit_test(a_block_goes_back_with_the_size_it_came_with),
        cmocka_unit_test(the_default_is_realloc_and_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
