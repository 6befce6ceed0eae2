/* SPDX-License-Identifier: MIT */
/* script.h - an input read as a script: choices, sizes, payloads. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

/* When all is read, each further byte is 0: what it chooses is harmless. */
struct script {
    const uint8_t *data;
    size_t         len, at;
};

uint8_t script_byte(struct script *script);

/* A length, most often one at which something changes: a row of a table. */
size_t script_size(struct script *script);

/* A payload: a byte for what it is like, and a size. Free its data. */
struct bytes script_payload(struct script *script);

#endif
