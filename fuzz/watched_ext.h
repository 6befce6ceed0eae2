/* SPDX-License-Identifier: MIT */
/* watched_ext.h - the tests' extension, watched: what it encoded must have left. */
#ifndef WATCHED_EXT_H
#define WATCHED_EXT_H

#include <stddef.h>

#include "../src/ext.h"

extern const struct upf_ext watched_ext;

/* Since the last reset. */
extern size_t ext_encoded; /* messages of which the first piece was encoded */
extern size_t ext_held;    /* bytes of its states */
void          ext_reset(void);

#endif
