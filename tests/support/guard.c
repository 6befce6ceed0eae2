/* SPDX-License-Identifier: MIT */
/* guard.c - whole pages between two that can be neither read nor written. */

#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard.h"

#ifdef _WIN32
#include <windows.h>

static size_t page_size(void)
{
    SYSTEM_INFO info;

    GetSystemInfo(&info);
    return info.dwPageSize;
}

static uint8_t *reserve(size_t size)
{
    return VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
}

static bool allow(uint8_t *pages, size_t size)
{
    return VirtualAlloc(pages, size, MEM_COMMIT, PAGE_READWRITE) != NULL;
}

static bool release(uint8_t *pages, size_t size)
{
    (void)size;
    return VirtualFree(pages, 0, MEM_RELEASE);
}

#else
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static uint8_t *reserve(size_t size)
{
    void *pages = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);

    return pages == MAP_FAILED ? NULL : pages;
}

static bool allow(uint8_t *pages, size_t size)
{
    return mprotect(pages, size, PROT_READ | PROT_WRITE) == 0;
}

static bool release(uint8_t *pages, size_t size)
{
    return munmap(pages, size) == 0;
}

#endif

static void must(bool ok)
{
    if (!ok) {
        perror("guard");
        abort();
    }
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
    uint8_t     *base = reserve(data + 2 * page);

    must(base != NULL && (data == 0 || allow(base + page, data)));
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
    uint8_t     *data = p - (uintptr_t)p % page;

    must(release(data - page, whole_pages(len) + 2 * page));
}
