/* SPDX-License-Identifier: MIT */
/* buf.h - growable bytes, and the only way to the configured allocator. */
#ifndef UPF_BUF_H
#define UPF_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <upframe/conn.h>

/* The allocator of upf_config_default(): realloc and free. */
void *upf_default_alloc(void *user, void *ptr, size_t old_size,
                        size_t new_size);

/*
 * The configured allocator. To resize or free a block, pass the size that was
 * last asked for it. `ptr` may be NULL.
 */
void *upf_mem_alloc(const upf_config *config, size_t size);
void *upf_mem_resize(const upf_config *config, void *ptr, size_t old_size,
                     size_t new_size);
void  upf_mem_free(const upf_config *config, void *ptr, size_t size);

/*
 * struct upf_buf (upframe/private.h) starts as {NULL, 0}. In front of its bytes
 * there is room for a frame header, so that a reply can be sent in place.
 */

#define UPF_BUF_OVERHEAD 32 /* bytes beside the capacity, at most */

/* The layout of a block: its capacity, the number of output slots that use it,
 * room for a frame header, then the bytes. */
enum {
    UPF_BUF_USERS_AT = sizeof(size_t),
    UPF_BUF_BYTES_AT =
        (sizeof(size_t) + sizeof(uint16_t) + UPF_FRAME_HEADER_MAX + 7) / 8 * 8
};

/* Bytes that fit without another allocation. */
static inline size_t upf_buf_capacity(const struct upf_buf *buf)
{
    size_t capacity;

    if (buf->data == NULL)
        return 0;
    memcpy(&capacity, buf->data - UPF_BUF_BYTES_AT, sizeof capacity);
    return capacity;
}

/*
 * Make room for at least `capacity` bytes in all; a block that has to grow gets
 * exactly that. False if there is no memory; nothing has changed then.
 */
bool upf_buf_reserve(struct upf_buf *buf, const upf_config *config,
                     size_t capacity);

/* Append a copy of `len` bytes. A block that has to grow at least doubles.
 * False if there is no memory; nothing has changed then. */
bool upf_buf_append(struct upf_buf *buf, const upf_config *config,
                    const void *data, size_t len);

/* Shrink the block to its `len` bytes, if the allocator can. */
void upf_buf_trim(struct upf_buf *buf, const upf_config *config);

void upf_buf_free(struct upf_buf *buf, const upf_config *config);

#endif
