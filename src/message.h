/* SPDX-License-Identifier: MIT */
/* message.h - frames make messages: their order, their caps, their UTF-8. */
#ifndef UPF_MESSAGE_H
#define UPF_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <upframe/conn.h>

/* struct upf_message (upframe/private.h) starts zeroed. upf_message_end() sets
 * its fields to 0 again, except those that are written before they are read. */

/* Whether a data frame of `opcode` may come now (RFC 6455, section 5.4). */
upf_status upf_message_judge_order(const struct upf_message *message,
                                   upf_opcode                opcode);

/*
 * Take the header of a data frame that upf_message_judge_order() allows: the
 * frame begins a message, or continues the one that is open.
 *
 *   encoded  in the first frame of a message: whether an extension encodes the
 *            message. Ignored in later frames
 *
 * Returns UPF_OK with the frame counted; or UPF_ERR_FRAME_TOO_BIG,
 * UPF_ERR_MESSAGE_TOO_BIG or UPF_ERR_FRAGMENTS, with nothing counted.
 */
upf_status upf_message_take_frame(struct upf_message     *message,
                                  const upf_config       *config,
                                  const upf_frame_header *header, bool encoded);

bool upf_message_is_encoded(const struct upf_message *message);

/*
 * Unmask the next bytes of the message; if it is text, check their UTF-8, too.
 * All bytes are unmasked, whatever the verdict. dst == src is allowed.
 *
 *   key  turned to src[0] (mask.h); 0 if there is no mask
 *   end  these are the message's last bytes
 *   bad  written on failure: the index of the byte at fault, or `len` if the
 *        text ends inside a code point
 *
 * Returns UPF_OK or UPF_ERR_UTF8.
 */
upf_status upf_message_unmask(struct upf_message *message, uint8_t *dst,
                              const uint8_t *src, size_t len, uint32_t key,
                              bool end, size_t *bad);

/*
 * Take a whole fragment in the middle of a message that is not encoded: unmask
 * it, check it, and count it. The caller has judged its header and its length.
 * False if the text is not UTF-8: then nothing was counted.
 */
bool upf_message_take_fragment(struct upf_message *message, uint8_t *dst,
                               const uint8_t *src, size_t len, uint32_t key);

/* Count and check the bytes to which a piece of an encoded message was decoded.
 * `end`, `bad` and the result are those of upf_message_unmask(). */
upf_status upf_message_take_decoded(struct upf_message *message, uint8_t *data,
                                    size_t len, bool end, size_t *bad);

/* Of an encoded frame's payload, `len` more bytes were taken. */
void upf_message_note_taken(struct upf_message *message, size_t len);

/*
 * Streaming: a chunk of text never ends inside a code point.
 *
 * carry_wants  how many bytes of payload complete the code point that was cut
 *              off before; 0 if none was
 * carry        take bytes, at most that many, and keep them
 * end_carry    keep them no longer; returns where they are, *len bytes, until
 *              others are kept
 * cut          keep the code point that data[0, len) does not finish; returns
 *              the length without it
 */
size_t upf_message_carry_wants(const struct upf_message *message);
void   upf_message_carry(struct upf_message *message, const uint8_t *data,
                         size_t len);
uint8_t *upf_message_end_carry(struct upf_message *message, size_t *len);
size_t upf_message_cut(struct upf_message *message, const uint8_t *data,
                       size_t len);

/* Whether the chunk that is delivered now is the message's first: true at the
 * first call for each message. */
bool upf_message_is_first_chunk(struct upf_message *message);

/* Back to the state between two messages. */
void upf_message_end(struct upf_message *message);

#endif
