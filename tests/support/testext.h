/* SPDX-License-Identifier: MIT */
/* testext.h - a small extension, to test the seam with. */
#ifndef TESTEXT_H
#define TESTEXT_H

#include <upframe/conn.h>

#include "blob.h"
#include "ext.h"

/*
 * "x-runs": a payload is pairs of bytes, a count from 1 to 255 and the byte
 * that is repeated, XORed with 0x55. So a payload may shrink or grow either
 * way, and a pair may be cut by anything. RSV1.
 *
 * Its only parameter, "level=1" to "level=9", may be left out. A message that
 * begins with '!' is sent as it is.
 */
extern const struct upf_ext test_ext;

/* The same on another RSV bit. */
extern const struct upf_ext test_ext_rsv3;

/* Encode by hand, for what a peer sends. */
void test_ext_encode(struct blob *to, const void *data, size_t len);

/* States that were made and not yet freed. */
extern int test_ext_alive;

#endif
