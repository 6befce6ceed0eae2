/* SPDX-License-Identifier: MIT */
/* relay.h - a slow line to a server of this machine. */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

/*
 * A process of its own, which ends with this one. Returns the port at which it
 * takes connections and passes each on to 127.0.0.1:port: what the server says
 * at `bits` a second for each, what is said to it at once. It holds 4 KiB, and
 * its sockets 16 KiB to either side (twice that, as the kernel counts): who
 * does not read stops it, and then the server.
 */
unsigned relay_begin(unsigned port, unsigned long bits);

#endif
