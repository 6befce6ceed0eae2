/* SPDX-License-Identifier: MIT */
/* recv.h - one library that reads a stream, as a column. */
#ifndef BENCH_RECV_H
#define BENCH_RECV_H

#include <stdint.h>
#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * All read alike: chunk after chunk is copied from the stream into a receive
 * buffer, as recv() would, and read from there.
 *
 *   open   an open server connection that will read `stream`; or ends the
 *          program
 *   read   the whole stream `passes` times, and end the program if the
 *          messages are not as many and as long as they must be; with `verify`
 *          each payload is compared, too
 */
struct receiver {
    const char *name;
    void *(*open)(const struct stream *stream);
    void (*read)(void *connection, uint64_t passes, int verify);
    void (*close)(void *connection);
};

extern const struct receiver receiver_wslay;
extern const struct receiver receiver_beast;

#ifdef __cplusplus
}
#endif

#endif
