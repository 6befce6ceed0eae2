/* SPDX-License-Identifier: MIT */
/*
 * test_arena.c - the allocator in one block, against a model.
 *
 * Each arena lies in a heap block of its exact size, so that AddressSanitizer
 * sees any access outside of it.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/arena.h>
#include <upframe/conn.h>

/* Of each block: what C aligns for, or the word in front if that is more. */
#define ALIGN                                                              \
    (_Alignof(max_align_t) > sizeof(size_t) ? _Alignof(max_align_t)        \
                                            : sizeof(size_t))

enum { BLOCKS = 48, STEPS = 20000 };

/* ---- The model: blocks that hold a pattern of their own ------------------ */

struct block {
    unsigned char *data; /* NULL: there is none */
    size_t         size;
    unsigned char  seed;
};

struct world {
    upf_arena      arena;
    unsigned char *memory;
    size_t         size;
    size_t         whole; /* largest, when all is free */
    struct block   blocks[BLOCKS];
};

static uint32_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

static void begin(struct world *w, size_t size)
{
    memset(w, 0, sizeof *w);
    w->size   = size;
    w->memory = malloc(size);
    assert_true(w->memory != NULL || size == 0);
    upf_arena_init(&w->arena, w->memory, size);
    w->whole = upf_arena_largest(&w->arena);
}

static void end(struct world *w)
{
    for (size_t i = 0; i < BLOCKS; i++)
        assert_null(upf_arena_alloc(&w->arena, w->blocks[i].data,
                                    w->blocks[i].size, 0));
    assert_int_equal(upf_arena_used(&w->arena), 0);
    assert_int_equal(upf_arena_largest(&w->arena), w->whole);
    free(w->memory);
}

static unsigned char pattern(const struct block *b, size_t i)
{
    return (unsigned char)(b->seed + i * 7 + (i >> 8));
}

static void fill(struct block *b, unsigned char seed)
{
    b->seed = seed;
    for (size_t i = 0; i < b->size; i++)
        b->data[i] = pattern(b, i);
}

static void assert_holds(const struct block *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (b->data[i] != pattern(b, i))
            fail_msg("byte %zu of %zu is not what was written", i, b->size);
}

/* Every block lies in the arena and overlaps no other. */
static void assert_sound(const struct world *w, const struct block *b)
{
    assert_int_equal((uintptr_t)b->data % ALIGN, 0);
    assert_true(b->data >= w->memory);
    assert_true(b->size <= w->size - (size_t)(b->data - w->memory));
    for (size_t i = 0; i < BLOCKS; i++) {
        const struct block *other = &w->blocks[i];
        if (other != b && other->data != NULL)
            assert_true(b->data + b->size <= other->data ||
                        other->data + other->size <= b->data);
    }
}

/* Give one block `size` bytes; 0 frees it. False if the arena refuses. */
static bool resize(struct world *w, struct block *b, size_t size)
{
    const size_t   used  = upf_arena_used(&w->arena);
    const size_t   room  = upf_arena_largest(&w->arena);
    unsigned char *moved = upf_arena_alloc(&w->arena, b->data, b->size, size);

    if (moved == NULL && size != 0) {
        assert_true(size > b->size);
        assert_true(size > room);
        assert_int_equal(upf_arena_used(&w->arena), used);
        assert_int_equal(upf_arena_largest(&w->arena), room);
        assert_holds(b, b->size);
        return false;
    }
    if (size <= b->size && size != 0)
        assert_ptr_equal(moved, b->data); /* a block shrinks in place */
    const struct block was = {moved, b->size, b->seed};
    b->data = moved;
    if (size != 0) {
        assert_holds(&was, b->size < size ? b->size : size);
        b->size = size;
        assert_sound(w, b);
        fill(b, (unsigned char)draw(256));
    }
    b->size = size;
    return true;
}

static void assert_accounted(const struct world *w)
{
    size_t least = 0;

    for (size_t i = 0; i < BLOCKS; i++)
        least += w->blocks[i].size;
    assert_true(upf_arena_used(&w->arena) >= least);
    assert_true(upf_arena_used(&w->arena) <= w->size);
    assert_true(upf_arena_peak(&w->arena) >= upf_arena_used(&w->arena));
}

/* ---- Tests --------------------------------------------------------------- */

static void it_is_an_allocator_of_connections(void **state)
{
    (void)state;
    upf_alloc_fn *alloc = upf_arena_alloc;
    unsigned char memory[256];
    upf_arena     arena;

    upf_arena_init(&arena, memory, sizeof memory);
    void *block = alloc(&arena, NULL, 0, 100);
    assert_non_null(block);
    assert_null(alloc(&arena, block, 100, 0));
    assert_int_equal(upf_arena_used(&arena), 0);
}

static void random_use_agrees_with_the_model(void **state)
{
    (void)state;
    static const size_t sizes[] = {300, 1000, 4096, 20000};
    struct world w;

    for (uint32_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t refused = 0;
        random_state = 20250 + s;
        begin(&w, sizes[s]);
        for (int step = 0; step < STEPS; step++) {
            struct block *b   = &w.blocks[draw(BLOCKS)];
            const size_t  max = draw(8) != 0 ? sizes[s] / 32 : sizes[s];
            assert_holds(b, b->size);
            if (draw(3) == 0)
                resize(&w, b, 0);
            else
                refused += !resize(&w, b, draw((uint32_t)max) + 1);
            assert_accounted(&w);
        }
        assert_true(refused > 100 && refused < STEPS / 2);
        end(&w);
    }
}

static void every_small_arena_works_at_every_alignment(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 256; size++) {
        for (size_t shift = 0; shift < ALIGN; shift++) {
            unsigned char *memory = malloc(shift + size);
            upf_arena      arena;
            assert_true(memory != NULL || shift + size == 0);
            upf_arena_init(&arena, memory ? memory + shift : NULL, size);

            const size_t room = upf_arena_largest(&arena);
            assert_true(room <= size);
            assert_true(size - room <= 2 * ALIGN + sizeof(size_t) ||
                        room == 0);
            assert_null(upf_arena_alloc(&arena, NULL, 0, room + 1));
            for (size_t len = 1; len <= room; len++) {
                unsigned char *p = upf_arena_alloc(&arena, NULL, 0, len);
                assert_non_null(p);
                assert_int_equal((uintptr_t)p % ALIGN, 0);
                assert_true(p >= memory + shift);
                memset(p, 0xEE, len);
                assert_null(upf_arena_alloc(&arena, p, len, 0));
                assert_int_equal(upf_arena_used(&arena), 0);
                assert_int_equal(upf_arena_largest(&arena), room);
            }
            free(memory);
        }
    }
}

static void no_memory_at_all_is_a_full_arena(void **state)
{
    (void)state;
    upf_arena arena;

    upf_arena_init(&arena, NULL, 0);
    assert_null(upf_arena_alloc(&arena, NULL, 0, 1));
    assert_null(upf_arena_alloc(&arena, NULL, 0, 0));
    assert_int_equal(upf_arena_largest(&arena), 0);
    assert_int_equal(upf_arena_peak(&arena), 0);
}

static void sizes_near_the_largest_number_are_refused(void **state)
{
    (void)state;
    struct world w;

    begin(&w, 1024);
    for (size_t less = 0; less < 64; less++) {
        assert_null(upf_arena_alloc(&w.arena, NULL, 0, SIZE_MAX - less));
        assert_null(upf_arena_alloc(&w.arena, NULL, 0, SIZE_MAX / 2 - less));
    }
    assert_true(resize(&w, &w.blocks[0], 10));
    for (size_t less = 0; less < 64; less++)
        assert_false(resize(&w, &w.blocks[0], SIZE_MAX - less));
    end(&w);
}

/* Three neighbours, freed in every order, are one block again. */
static void neighbours_join_in_whatever_order_they_are_freed(void **state)
{
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct world w;

    for (int o = 0; o < 6; o++) {
        begin(&w, 600);
        for (int i = 0; i < 3; i++)
            assert_true(resize(&w, &w.blocks[i], 150));
        assert_false(resize(&w, &w.blocks[3], 150));
        for (int i = 0; i < 3; i++)
            assert_true(resize(&w, &w.blocks[orders[o][i]], 0));
        assert_true(resize(&w, &w.blocks[3], w.whole));
        end(&w);
    }
}

static void a_hole_between_two_blocks_is_used_again(void **state)
{
    (void)state;
    struct world w;

    begin(&w, 1024);
    for (int i = 0; i < 3; i++)
        assert_true(resize(&w, &w.blocks[i], 100));
    unsigned char *hole = w.blocks[1].data;
    assert_true(resize(&w, &w.blocks[1], 0));
    assert_true(resize(&w, &w.blocks[1], 90));
    assert_ptr_equal(w.blocks[1].data, hole); /* first fit */
    end(&w);
}

static void a_block_grows_in_place_into_free_memory_behind_it(void **state)
{
    (void)state;
    struct world w;

    begin(&w, 1024);
    for (int i = 0; i < 4; i++)
        assert_true(resize(&w, &w.blocks[i], 100));
    unsigned char *first = w.blocks[0].data;
    assert_true(resize(&w, &w.blocks[2], 0)); /* two free blocks in a row */
    assert_true(resize(&w, &w.blocks[1], 0));
    assert_true(resize(&w, &w.blocks[0], 300));
    assert_ptr_equal(w.blocks[0].data, first);
    assert_true(resize(&w, &w.blocks[0], 301 + 32)); /* the hole is used up */
    assert_ptr_not_equal(w.blocks[0].data, first);
    end(&w);
}

static void the_last_block_grows_over_the_whole_rest(void **state)
{
    (void)state;
    struct world w;

    begin(&w, 2000);
    for (size_t size = 1; size <= w.whole; size++)
        assert_true(resize(&w, &w.blocks[0], size));
    assert_false(resize(&w, &w.blocks[0], w.whole + 1));
    end(&w);
}

static void what_a_shrinking_block_leaves_is_free(void **state)
{
    (void)state;
    struct world w;

    begin(&w, 1024);
    assert_true(resize(&w, &w.blocks[0], w.whole));
    assert_false(resize(&w, &w.blocks[1], 1));
    assert_true(resize(&w, &w.blocks[0], 100));
    assert_true(resize(&w, &w.blocks[1], w.whole - 200));
    end(&w);
}

static void a_full_arena_refuses_and_disturbs_nothing(void **state)
{
    (void)state;
    struct world w;
    size_t       count = 0;

    random_state = 77;
    begin(&w, 1000);
    while (count < BLOCKS && resize(&w, &w.blocks[count], 40))
        count++;
    assert_in_range(count, 15, 25);
    for (size_t i = 0; i < count; i++) {
        assert_false(resize(&w, &w.blocks[i], 500));
        assert_false(resize(&w, &w.blocks[count], 40));
    }
    for (size_t i = 0; i < count; i++)
        assert_holds(&w.blocks[i], 40);
    end(&w);
}

static void the_peak_is_the_most_that_was_used(void **state)
{
    (void)state;
    struct world w;

    begin(&w, 4096);
    assert_int_equal(upf_arena_peak(&w.arena), 0);
    assert_true(resize(&w, &w.blocks[0], 1000));
    assert_true(resize(&w, &w.blocks[1], 500));
    const size_t peak = upf_arena_used(&w.arena);
    assert_int_equal(upf_arena_peak(&w.arena), peak);
    assert_true(resize(&w, &w.blocks[0], 0));
    assert_true(resize(&w, &w.blocks[0], 900));
    assert_int_equal(upf_arena_peak(&w.arena), peak);
    assert_true(resize(&w, &w.blocks[1], 2000)); /* old and new at once */
    assert_true(upf_arena_peak(&w.arena) > peak);
    end(&w);
}

static void a_block_costs_one_word_before_rounding(void **state)
{
    (void)state;
    struct world w;

    begin(&w, 4096);
    assert_true(resize(&w, &w.blocks[0], 2 * ALIGN - sizeof(size_t)));
    assert_int_equal(upf_arena_used(&w.arena), 2 * ALIGN);
    assert_true(resize(&w, &w.blocks[0], 2 * ALIGN - sizeof(size_t) + 1));
    assert_int_equal(upf_arena_used(&w.arena), 3 * ALIGN);
    end(&w);
}

/* ---- Connections in an arena --------------------------------------------- */

/* Move what `from` has to write to `to`, a few bytes at a time. */
static void carry(upf_conn *from, upf_conn *to, bool *echoed)
{
    unsigned char piece[7];
    upf_slice     slice;
    upf_event     ev;

    while (upf_conn_output(from, &slice, 1) > 0) {
        upf_input in = {piece, slice.len < sizeof piece ? slice.len
                                                        : sizeof piece};
        memcpy(piece, slice.data, in.len);
        if (upf_conn_output_done(from, (ptrdiff_t)in.len) != UPF_OK)
            break;
        while (upf_conn_next(to, &in, &ev) == UPF_OK) {
            if (ev.type == UPF_EVENT_MESSAGE && ev.len == 500 && !*echoed)
                *echoed = upf_send(to, ev.opcode, ev.data, ev.len) == UPF_OK;
            if (ev.type == UPF_EVENT_CLOSE)
                assert_true(ev.status == UPF_OK ||
                            ev.status == UPF_ERR_NO_MEMORY);
        }
    }
}

/* A handshake, a message there and back, a Close. True if all went well. */
static bool talk(const upf_config *config)
{
    static const unsigned char message[500];
    const upf_client_request   request = {.url = "ws://localhost/"};
    upf_conn client, server;
    bool     echoed = false;

    (void)upf_conn_init_server(&server, config);
    (void)upf_conn_init_client(&client, config, &request);
    carry(&client, &server, &echoed);
    carry(&server, &client, &echoed);
    (void)upf_send(&client, UPF_OP_BINARY, message, sizeof message);
    carry(&client, &server, &echoed);
    carry(&server, &client, &echoed);
    (void)upf_close(&client, UPF_CLOSE_NORMAL, "bye");
    carry(&client, &server, &echoed);
    carry(&server, &client, &echoed);
    upf_conn_free(&client);
    upf_conn_free(&server);
    return echoed;
}

static void connections_live_in_an_arena_of_any_size(void **state)
{
    (void)state;
    upf_config config = upf_config_default();
    size_t     enough = 0; /* the first arena in which all went well */

    for (size_t size = 0; size <= 8192; size += 32) {
        struct world w;
        begin(&w, size);
        config.alloc      = upf_arena_alloc;
        config.alloc_user = &w.arena;
        const bool well = talk(&config);
        assert_true(well || enough == 0);
        if (well && enough == 0)
            enough = size;
        end(&w);
    }
    assert_in_range(enough, 500, 8192);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_an_allocator_of_connections),
        cmocka_unit_test(random_use_agrees_with_the_model),
        cmocka_unit_test(every_small_arena_works_at_every_alignment),
        cmocka_unit_test(no_memory_at_all_is_a_full_arena),
        cmocka_unit_test(sizes_near_the_largest_number_are_refused),
        cmocka_unit_test(neighbours_join_in_whatever_order_they_are_freed),
        cmocka_unit_test(a_hole_between_two_blocks_is_used_again),
        cmocka_unit_test(a_block_grows_in_place_into_free_memory_behind_it),
        cmocka_unit_test(the_last_block_grows_over_the_whole_rest),
        cmocka_unit_test(what_a_shrinking_block_leaves_is_free),
        cmocka_unit_test(a_full_arena_refuses_and_disturbs_nothing),
        cmocka_unit_test(the_peak_is_the_most_that_was_used),
        cmocka_unit_test(a_block_costs_one_word_before_rounding),
        cmocka_unit_test(connections_live_in_an_arena_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
