/* SPDX-License-Identifier: MIT */
/* guard.c - whole pages between two that can be neither read nor written. */

#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard.h"

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t len)
{
    const size_t page = page_size();

    return (len + page - 1) / page * page;
}

/* The first byte behind the front guard page. */
static uint8_t *map(size_t len)
{
    const size_t page = page_size();
    const size_t data = whole_pages(len);
    uint8_t *base = mmap(NULL, data + 2 * page, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (base == MAP_FAILED ||
        (data > 0 && mprotect(base + page, data, PROT_READ | PROT_WRITE))) {
        perror("guard");
        abort();
    }
    return base + page;
}

uint8_t *guard_end(size_t len)
{
    return map(len) + (whole_pages(len) - len);
}

uint8_t *guard_begin(size_t len)
{
    return map(len);
}

void guard_free(uint8_t *p, size_t len)
{
    const size_t page = page_size();
    uint8_t *data = p - (uintptr_t)p % page;

    if (munmap(data - page, whole_pages(len) + 2 * page)) {
        perror("guard");
        abort();
    }
}
