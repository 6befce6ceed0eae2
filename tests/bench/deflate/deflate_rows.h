/* SPDX-License-Identifier: MIT */
/* deflate_rows.h - the groups of rows of bench_deflate. */
#ifndef DEFLATE_ROWS_H
#define DEFLATE_ROWS_H

#include "../inprocess/bench.h"

void rows_of_inflate(struct bench *bench);
void rows_of_hostile_input(struct bench *bench);
void rows_of_deflate(struct bench *bench);

#endif
