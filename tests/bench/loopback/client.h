/* SPDX-License-Identifier: MIT */
/* client.h - the least that a load generator needs of a WebSocket client. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The program ends, with a message. */
void client_die(const char *format, ...);

/* A command line's number, or the end of the program. */
unsigned long client_number(const char *option, const char *text,
                            unsigned long least, unsigned long most);

/* What follows an option that takes a value, or the end of the program. */
const char *client_value(int argc, char **argv, int at);

/* Nanoseconds of a clock that nobody adjusts. */
uint64_t client_now(void);

/*
 * Connect to 127.0.0.1:port and shake hands. Connection number `index` comes
 * from an address of its own thousand, so that ports do not run out. Returns a
 * non-blocking socket, or ends the program.
 */
int client_connect(unsigned port, unsigned index);

/* Write a masked binary frame; returns its length (size + 14 at most). */
size_t client_frame(uint8_t *out, const uint8_t *payload, size_t size);

/*
 * What comes from a server: frames of messages that all have one content. A
 * server may fragment them. Anything else ends the program.
 */
struct client_reader {
    uint8_t  head[10];
    unsigned head_len;
    uint64_t left; /* of the frame's payload */
    bool     in_payload;
    uint64_t at; /* in the message */
};

/* Returns how many messages end in data[0, len). */
size_t client_read(struct client_reader *reader, const uint8_t *data,
                   size_t len, const uint8_t *payload, size_t size);

/* What the kernel says of a process: nanoseconds on a processor, all threads
 * taken together; bytes of memory that are resident. */
uint64_t client_cpu_time(pid_t pid);
uint64_t client_resident(pid_t pid);

#endif
