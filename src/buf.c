/* SPDX-License-Identifier: MIT */
/* buf.c - growable bytes, and the only way to the configured allocator. */

#include <assert.h>
#include <string.h>

#include "buf.h"

#ifndef UPF_NO_MALLOC
#include <stdlib.h>
#endif

_Static_assert(UPF_BUF_BYTES_AT <= UPF_BUF_OVERHEAD,
               "what callers reckon with");

void *upf_default_alloc(void *user, void *ptr, size_t old_size,
                        size_t new_size)
{
    (void)user;
    (void)old_size;
#ifdef UPF_NO_MALLOC /* firmware has to set upf_config.alloc: see arena.h */
    (void)ptr;
    (void)new_size;
    return NULL;
#else
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
#endif
}

void *upf_mem_alloc(const upf_config *config, size_t size)
{
    assert(size > 0);
    return config->alloc(config->alloc_user, NULL, 0, size);
}

void *upf_mem_resize(const upf_config *config, void *ptr, size_t old_size,
                     size_t new_size)
{
    assert(new_size > 0);
    return config->alloc(config->alloc_user, ptr, old_size, new_size);
}

void upf_mem_free(const upf_config *config, void *ptr, size_t size)
{
    if (ptr != NULL)
        config->alloc(config->alloc_user, ptr, size, 0);
}

/* Give the block exactly that capacity. False if there is no memory. */
static bool resize(struct upf_buf *buf, const upf_config *config,
                   size_t capacity)
{
    const size_t old = upf_buf_capacity(buf);
    uint8_t *block = NULL;

    if (capacity > SIZE_MAX - UPF_BUF_BYTES_AT)
        return false;
    if (buf->data != NULL)
        block = buf->data - UPF_BUF_BYTES_AT;
    block = upf_mem_resize(config, block, block ? UPF_BUF_BYTES_AT + old : 0,
                           UPF_BUF_BYTES_AT + capacity);
    if (block == NULL)
        return false;
    memcpy(block, &capacity, sizeof capacity);
    buf->data = block + UPF_BUF_BYTES_AT;
    return true;
}

bool upf_buf_reserve(struct upf_buf *buf, const upf_config *config,
                     size_t capacity)
{
    return (buf->data != NULL && capacity <= upf_buf_capacity(buf)) ||
           resize(buf, config, capacity);
}

void upf_buf_trim(struct upf_buf *buf, const upf_config *config)
{
    if (buf->len < upf_buf_capacity(buf))
        resize(buf, config, buf->len);
}

bool upf_buf_append(struct upf_buf *buf, const upf_config *config,
                    const void *data, size_t len)
{
    const size_t old = upf_buf_capacity(buf);

    if (len > SIZE_MAX - buf->len)
        return false;
    const size_t needed = buf->len + len;
    if (!upf_buf_reserve(buf, config,
                         needed > old && needed / 2 < old ? 2 * old : needed))
        return false;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return true;
}

void upf_buf_free(struct upf_buf *buf, const upf_config *config)
{
    if (buf->data == NULL)
        return;
    upf_mem_free(config, buf->data - UPF_BUF_BYTES_AT,
                 UPF_BUF_BYTES_AT + upf_buf_capacity(buf));
    *buf = (struct upf_buf){NULL, 0};
}
