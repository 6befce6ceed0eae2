/* SPDX-License-Identifier: MIT */
/* guard.h - memory whose neighbours fault: one byte too far is a crash. */
#ifndef GUARD_H
#define GUARD_H

#include <stddef.h>
#include <stdint.h>

/*
 * `len` bytes of zeros (0 is allowed: nothing may be touched then).
 * guard_end() ends them at an unreadable page, guard_begin() begins them
 * behind one. The other side is exact only if len is a multiple of the page
 * size. Never NULL: the test program aborts when there is no memory.
 */
uint8_t *guard_end(size_t len);
uint8_t *guard_begin(size_t len);

/* Give back what either returned, with the same len. */
void guard_free(uint8_t *p, size_t len);

#endif
