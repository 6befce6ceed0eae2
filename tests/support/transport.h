/* SPDX-License-Identifier: MIT */
/* transport.h - read and write callbacks over arrays, with a script. */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/io.h>

#include "blob.h"
#include "fakes.h"

/* What one direction does in place of moving bytes. */
struct trouble {
    struct fault fault;  /* on which calls */
    size_t       every;  /* on each n-th call as well; 0: none */
    ptrdiff_t    result; /* what the callback returns then */
};

/* A transport whose peer has said all it will ever say. */
struct transport {
    const uint8_t *in; /* what can be read */
    size_t         in_len;
    size_t         in_at;
    ptrdiff_t      at_end; /* what a read returns behind it: 0, UPF_IO_... */
    size_t         read_max;  /* bytes of one read; 0: any */
    size_t         write_max; /* bytes of one write; 0: any */
    struct trouble read_trouble;
    struct trouble write_trouble;
    struct blob    out; /* what was written */
    size_t         reads, writes; /* calls */
    size_t         largest_read;  /* room that a read was given */
    bool           dead; /* UPF_IO_ERROR was returned: no call may follow */
};

/* Callbacks; their user is a struct transport. */
ptrdiff_t transport_read(void *user, void *data, size_t len);
ptrdiff_t transport_write(void *user, const void *data, size_t len);

/* One direction between two peers, of bounded capacity. */
struct pipe {
    struct blob bytes;
    size_t      capacity;
    bool        shut; /* its writer will write no more */
};

/* One end of two pipes: user of the callbacks below. */
struct pipe_end {
    struct pipe *from;
    struct pipe *to;
};

ptrdiff_t pipe_read(void *user, void *data, size_t len);
ptrdiff_t pipe_write(void *user, const void *data, size_t len);

#endif
