/* SPDX-License-Identifier: MIT */
/*
 * output.h - bytes that wait for the transport, in order.
 *
 * upf_conn.out in two shapes. A *run* is one stretch of the caller's input
 * buffer that in-place replies have been written to; it needs no memory. A
 * *queue* is a heap block of slots: bytes of our own, borrowed bytes, shared
 * frames. When the last byte has been written there is neither.
 */
#ifndef UPF_OUTPUT_H
#define UPF_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

/* Frames that are encoded once (upf_shared_new). */
struct upf_shared;
const uint8_t *upf_shared_frame(const upf_shared *shared, size_t *len);
void           upf_shared_keep(upf_shared *shared);

/* Bytes waiting, in either shape. */
size_t upf_output_bytes(const upf_conn *conn);

/*
 * The functions that add return NULL or false if there is no memory, and have
 * then changed nothing that is seen outside.
 */

/* Add `len` bytes, at least 1, for the caller to fill before all else. */
uint8_t *upf_output_reserve(upf_conn *conn, size_t len);

/*
 * Add a frame of `header` and `data`, where `data` has room for the header in
 * front of it. Bytes of one input move together and leave as one.
 */
bool upf_output_in_place(upf_conn *conn, const uint8_t *header,
                         size_t header_len, uint8_t *data, size_t len);

/* Likewise, but `data` lies in `block`, which becomes the output's. */
bool upf_output_give(upf_conn *conn, const uint8_t *header, size_t header_len,
                     uint8_t *data, size_t len, struct upf_buf *block);

/* Add a reference to a shared frame. */
bool upf_output_share(upf_conn *conn, upf_shared *shared);

size_t upf_output_slices(const upf_conn *conn, upf_slice *slices, size_t max);

/*
 * Forget the first `written` bytes and make copies of what is still borrowed.
 * False if there is no memory for that: output is then no longer in order.
 */
bool upf_output_advance(upf_conn *conn, size_t written);

void upf_output_free(upf_conn *conn);

/*
 * Pongs and other control frames have a budget of their own. A frame that is
 * within it is accounted when it is queued. What waits is known in two parts,
 * older and newer: a part is given back when the last of it was written.
 */
bool upf_output_control_fits(const upf_conn *conn, size_t frame_len);
void upf_output_control_added(upf_conn *conn, size_t frame_len);

/*
 * The newest ping payload that found no room in the budget, until there is
 * some (RFC 6455, section 5.5.3: only the most recent ping need be answered).
 * `late` is false if no room is back, or there is none that waits.
 */
void upf_output_keep_late_pong(upf_conn *conn, const uint8_t *payload,
                               size_t len);
void upf_output_drop_late_pong(upf_conn *conn);
bool upf_output_late_pong(upf_conn *conn, uint8_t *payload, size_t *len);

#endif
