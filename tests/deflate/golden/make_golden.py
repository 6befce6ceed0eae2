#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# make_golden.py - write streams.bin: messages that zlib compressed.
"""Run it in this directory. The tests read the file; they do not run this.

The file begins with the number of texts (1 byte); each has its length (4 bytes,
the lowest first) and its bytes. Then come connections: window bits (1 byte),
number of messages (1), and each message: the number of its text (1), the length
of its payload as of RFC 7692 (4), and that. Those that are alike are left out.
"""

import random
import struct
import zlib

rng = random.Random(12)
WORDS = [bytes(rng.choice(b"etaoinshrdlu") for _ in range(rng.randint(2, 9)))
         for _ in range(60)]


def words(size):
    out = b""
    while len(out) < size:
        out += rng.choice(WORDS) + b" "
    return out[:size]


def chat(number):
    return (b'{"type":"message","room":"general","from":"%s","id":%d,"text":"'
            % (rng.choice(WORDS), 1000 + number)) + words(70) + b'"}'


def deltas(count):
    return b"".join(struct.pack("<HhhB", 7 * i % 500, rng.randint(-40, 40),
                                rng.randint(-40, 40), rng.randint(0, 3))
                    for i in range(count))


CHATS = [chat(i) for i in range(7)]
NOISE = bytes(rng.getrandbits(8) for _ in range(300))
TEXTS = {
    "nothing": b"",
    "letter": b"a",
    "hello": b"Hello",
    "chat": CHATS[0],
    "words": words(900),
    "deltas": deltas(40),
    "noise": NOISE,
    "runs": b"".join(bytes([i]) * (1 + 37 * i) for i in range(8)),
    "periods": b"".join((NOISE[:n] * 300)[:9 * n + 30]
                        for n in (*range(1, 10), 15, 16, 17, 31, 32, 33)),
    "all bytes": bytes(range(256)) * 2,
    "far": NOISE[:40] + bytes(rng.choice(b"ab") for _ in range(1000)) +
           NOISE[:40],
}
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY,
              zlib.Z_RLE, zlib.Z_FIXED)
TAIL = b"\x00\x00\xff\xff"

connections = []
texts = []


def counted(content):
    return struct.pack("<I", len(content)) + content


def number(text):
    if text not in texts:
        texts.append(text)
    return texts.index(text)


def connection(bits, messages):
    """messages: pairs of text and payload."""
    out = bytes([bits, len(messages)])
    for text, payload in messages:
        out += bytes([number(text)]) + counted(payload)
    if out not in connections:
        connections.append(out)


def payload(deflate, text, cut=None):
    """One message, flushed in its middle too if it is cut there."""
    out = b""
    if cut is not None:
        out = deflate.compress(text[:cut]) + deflate.flush(zlib.Z_SYNC_FLUSH)
        text = text[cut:]
    out += deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)
    assert out.endswith(TAIL)
    return out[:-len(TAIL)]


def deflate(level=6, bits=15, memory=8, strategy=zlib.Z_DEFAULT_STRATEGY):
    return zlib.compressobj(level, zlib.DEFLATED, -bits, memory, strategy)


# Each text with each level and strategy.
for text in TEXTS.values():
    for level in range(10):
        for strategy in STRATEGIES:
            if level in (0, 1, 6, 9) or strategy == 0:
                connection(15, [(text, payload(deflate(
                    level, strategy=strategy), text))])

# Flushes within a message; a final block, with and without what follows it.
for name in ("chat", "words"):
    text = TEXTS[name]
    for cut in (0, 1, len(text) // 2, len(text)):
        connection(15, [(text, payload(deflate(), text, cut))])
    final = deflate()
    final = final.compress(text) + final.flush(zlib.Z_FINISH)
    connection(15, [(text, final), (text, final + b"\0"),
                    (text, final + payload(deflate(), b"")),
                    (text + text, final + payload(deflate(), text))])

# Small windows and little memory; several messages with one window.
for bits in range(9, 16):
    for memory in (1, 9):
        stream = deflate(9, bits, memory)
        connection(bits, [(text, payload(stream, text)) for text in
                          (CHATS[1], TEXTS["far"], CHATS[2], TEXTS["periods"],
                           b"", CHATS[3])])
for strategy in STRATEGIES:
    stream = deflate(1, 15, 8, strategy)
    connection(15, [(text, payload(stream, text)) for text in
                    CHATS + [TEXTS["far"]]])

with open("streams.bin", "wb") as file:
    file.write(bytes([len(texts)]) + b"".join(map(counted, texts)))
    file.write(b"".join(connections))
    print(len(connections), "connections,", file.tell(), "bytes")
