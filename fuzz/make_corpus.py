#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# make_corpus.py - write the seeds of the fuzz entries: corpus/<entry>/<what>.
"""What each seed is, in one place; run it in fuzz/. Seeds that are not made
here (regressions, found by a fuzzer) are left alone."""

import base64
import hashlib
import os
import struct
import zlib

CRLF = b"\r\n"
FIN, RSV1 = 0x80, 0x40
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def seed(entry, name, content):
    os.makedirs(f"corpus/{entry}", exist_ok=True)
    with open(f"corpus/{entry}/{name}", "wb") as file:
        file.write(content)


def header(first, length, key=None, form=None):
    """A frame header; form 126 or 127 forces a longer length field."""
    mask = 0x80 if key else 0
    form = form or (length if length < 126 else 126 if length < 65536 else 127)
    out = bytes([first, mask | form])
    if form == 126:
        out += struct.pack(">H", length)
    elif form == 127:
        out += struct.pack(">Q", length)
    return out + (key or b"")


def frame(first, payload=b"", key=None):
    masked = bytes(b ^ key[i % 4] for i, b in enumerate(payload)) \
        if key else payload
    return header(first, len(payload), key) + masked


def close(code=None, reason=b"", key=None):
    payload = b"" if code is None else struct.pack(">H", code) + reason
    return frame(FIN | CLOSE, payload, key)


# ---- frame ------------------------------------------------------------------

KEY = b"\x37\xfa\x21\x3d"
ZERO = b"\0\0\0\0"

seed("frame", "section-5.7-hello", frame(FIN | TEXT, b"Hello"))
seed("frame", "section-5.7-masked-hello", frame(FIN | TEXT, b"Hello", KEY))
for length in (125, 126, 65535, 65536, 2**63 - 1, 2**63):
    for form in (126, 127):
        if form == 127 or length < 65536:
            seed("frame", f"length-{length}-as-{form}",
                 header(FIN | BINARY, length, KEY, form))
seed("frame", "ping-of-126", header(FIN | PING, 126))
seed("frame", "ping-not-final", frame(PING, b"x"))
seed("frame", "reserved-opcode", frame(FIN | 3, b"x", KEY))
seed("frame", "all-rsv", frame(FIN | 0x70 | TEXT, b"x", KEY))

# ---- url --------------------------------------------------------------------


def url(text, origin="http://a.example", name="Cookie", value="a=b",
        subprotocol="chat"):
    return "\0".join((text, origin, name, value, subprotocol)).encode("latin-1")


for name, text in {
        "plain": "ws://example.com/chat",
        "secure-with-port": "wss://example.com:8443/a/b?c=d&e=%20",
        "default-port": "WS://example.com:80",
        "default-port-wss": "wss://example.com:443?q",
        "empty-port": "ws://example.com:/",
        "ipv6": "ws://[2001:db8::1]:9001/x",
        "ipv6-with-ipv4": "ws://[::ffff:192.0.2.1]/",
        "ipv6-broken": "ws://[1:2:3:4:5:6:7:8:9]/",
        "user-information": "ws://user:pw@example.com/",
        "fragment": "ws://example.com/#part",
        "port-0": "ws://h:0/", "port-65535": "ws://h:65535/",
        "port-65536": "ws://h:65536/", "http": "http://h/",
        "no-host": "ws:///", "cut-percent": "ws://h/%4",
}.items():
    seed("url", name, url(text))
seed("url", "header-injected", url("ws://h/", value="x\r\nHost: evil"))
seed("url", "header-name-injected", url("ws://h/", name="A: b\r\nC"))
seed("url", "header-of-ours", url("ws://h/", name="Sec-WebSocket-Key"))
seed("url", "origin-injected", url("ws://h/", origin="x\r\nA: b"))
seed("url", "value-in-white-space", url("ws://h/", value=" \t x \t"))
seed("url", "subprotocol-list", url("ws://h/", subprotocol="a, b"))

# ---- request ----------------------------------------------------------------

REQUEST = [b"GET /chat?room=1 HTTP/1.1", b"Host: example.com",
           b"Upgrade: websocket", b"Connection: keep-alive, Upgrade",
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
           b"Sec-WebSocket-Version: 13"]


def head(lines, *more):
    return CRLF.join([*lines, *more]) + CRLF + CRLF


def edit(old, new):
    return [line.replace(old, new) for line in REQUEST]


requests = {
    "sample": head(REQUEST),
    "browser": head(REQUEST, b"Origin: http://example.com", b"Accept: */*",
                    b"Sec-WebSocket-Protocol: superchat, chat",
                    b"Sec-WebSocket-Extensions: permessage-deflate; "
                    b"client_max_window_bits"),
    "two-protocol-lines": head(REQUEST, b"Sec-WebSocket-Protocol: a",
                               b"sec-websocket-protocol: b,c"),
    "repeated-protocol": head(REQUEST, b"Sec-WebSocket-Protocol: a, a"),
    "quoted-parameter": head(REQUEST,
                             b'Sec-WebSocket-Extensions: x; y="10"; z'),
    "broken-extension": head(REQUEST, b"Sec-WebSocket-Extensions: x; =1"),
    "page": head([b"GET / HTTP/1.1", b"Host: example.com"]),
    "head-of-a-page": head([b"HEAD / HTTP/1.1", b"Host: example.com"]),
    "http-1.0-page": head([b"GET / HTTP/1.0"]),
    "http-1.0-upgrade": head(edit(b"HTTP/1.1", b"HTTP/1.0")),
    "post": head(edit(b"GET", b"POST")),
    "lower-case-method": head(edit(b"GET", b"get")),
    "body": head(REQUEST, b"Content-Length: 5"),
    "no-body": head(REQUEST, b"Content-Length: 0"),
    "chunked": head(REQUEST, b"Transfer-Encoding: chunked"),
    "absolute-form": head(edit(b"/chat", b"http://example.com/chat")),
    "absolute-form-of-another": head(edit(b"/chat", b"http://evil.example/")),
    "version-8": head(edit(b"13", b"8")),
    "short-key": head(edit(b"dGhl", b"")),
    "two-hosts": head(REQUEST, b"Host: evil.example"),
    "two-keys": head(REQUEST, REQUEST[4]),
    "two-origins": head(REQUEST, b"Origin: null", b"Origin: http://a.example"),
    "null-origin": head(REQUEST, b"Origin: null"),
    "origin-of-an-app": head(REQUEST, b"Origin: capacitor://example.com"),
    "ipv6-host-and-origin": head(edit(b"example.com", b"[::1]:80"),
                                 b"Origin: http://[::1]"),
    "empty-line-first": CRLF + head(REQUEST),
    "two-empty-lines-first": CRLF + CRLF + head(REQUEST),
    "space-before-colon": head(edit(b"Upgrade:", b"Upgrade :")),
    "folded": head(REQUEST, b"X: a", b" b"),
    "bare-lf": head(REQUEST).replace(CRLF, b"\n", 1),
    "bare-cr": head(REQUEST, b"X: a\rb"),
    "nul": head(REQUEST, b"X: a\0b"),
    "no-colon": head(REQUEST, b"X"),
    "empty-name": head(REQUEST, b": x"),
    "cut": head(REQUEST)[:-2],
    "frames-behind": head(REQUEST) + frame(FIN | TEXT, b"hi", KEY),
    "long-line": head(REQUEST, b"X: " + b"a" * 400),
    "many-lines": head(REQUEST, *[b"X: %d" % i for i in range(120)]),
}
for name, text in requests.items():
    seed("request", name, text)

# ---- response ---------------------------------------------------------------

# The nonce that the entries' random source gives first (see memory.c).


def random_bytes(count, state=0):
    out = bytearray()
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append((state >> 16) % 256)
    return bytes(out)


GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ACCEPT = base64.b64encode(
    hashlib.sha1(base64.b64encode(random_bytes(16)) + GUID).digest())
RESPONSE = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket",
            b"Connection: Upgrade", b"Sec-WebSocket-Accept: " + ACCEPT]
HELLO = frame(FIN | TEXT, b"hello") + close(1000)


def answer(old, new, *more):
    return head([line.replace(old, new) for line in RESPONSE], *more)


responses = {
    "sample": head(RESPONSE),
    "frames-behind": head(RESPONSE) + HELLO,
    "subprotocol": head(RESPONSE, b"Sec-WebSocket-Protocol: chat") + HELLO,
    "subprotocol-not-offered": head(RESPONSE, b"Sec-WebSocket-Protocol: x"),
    "extension-not-offered": head(RESPONSE, b"Sec-WebSocket-Extensions: x"),
    "early-hints": head([b"HTTP/1.1 103 Early Hints", b"Link: </a>"]) +
    head(RESPONSE) + HELLO,
    "continue-for-ever": head([b"HTTP/1.1 100 Continue"]) * 20,
    "refused-in-chunks": head([b"HTTP/1.1 503 Busy", b"Retry-After: 5",
                               b"Transfer-Encoding: chunked"]) +
    b"4\r\nbody\r\n0\r\n\r\nmore",
    "refused-folded": b"HTTP/1.0 301 x\nLocation: a\n b\nC: d\n"
    b"Content-Length: 3\n\nabc",
    "refused-late": head([b"HTTP/1.1 100 c"]) + b"HTTP/1.1 404\n\nbody",
    "unauthorized": head([b"HTTP/1.1 401 Unauthorized",
                          b"WWW-Authenticate: Basic realm=a",
                          b"Content-Length: 2"]) + b"no",
    "found": head([b"HTTP/1.1 302 Found", b"Location: ws://b.example/"]),
    "no-reason": answer(b" Switching Protocols", b""),
    "http-1.0": answer(b"HTTP/1.1", b"HTTP/1.0"),
    "status-of-four-digits": answer(b"101", b"1010"),
    "no-upgrade": answer(b"Upgrade: websocket", b"X: y"),
    "two-upgrades": answer(b"Upgrade: websocket",
                           b"Upgrade: websocket\r\nUpgrade: websocket"),
    "no-connection": answer(b"Connection: Upgrade", b"X: y"),
    "wrong-accept": answer(ACCEPT, ACCEPT.swapcase()),
    "two-accepts": head(RESPONSE, RESPONSE[3]),
    "bare-lf": head(RESPONSE).replace(CRLF, b"\n", 1),
    "cut": head(RESPONSE)[:-1],
}
for name, text in responses.items():
    seed("response", name, text)

# ---- conn_server, conn_client -----------------------------------------------

HANDSHAKE, STREAM, UNMASKED, TRUST = 1, 2, 4, 8
EOF, LOST, SILENCE, CLOSING = 0x00, 0x10, 0x20, 0x30
ROOM, MOVE = 0x40, 0x80
NOTHING, SEND, IN_PLACE, OWN, GATHER, PARTS, SHARED, CONTROL, END, BIG, \
    MISUSE, TICK, STOP, LOSE, FREE = range(15)
ACCEPT_IT, REFUSE, ACCEPT_ECHO, REFUSE_ECHO, DEFER = 8, 9, 10, 11, 12


def plan(flags=0, sizes=0xEE, queue=0xFE, heads=0x0C, cut=3, dice=1, alloc=0,
         random=0, script=(SEND,)):
    script = (bytes(script) * 8)[:8]
    return bytes([flags, sizes, queue, heads, cut, dice, alloc, random]) + \
        script


EURO = "\u20ac 12,50 \U0001F600 na\u00efve".encode()


def conversation(key):
    return b"".join([
        frame(FIN | TEXT, b"Hello", key),
        frame(FIN | PING, b"one", key),
        frame(TEXT, EURO[:2], key), frame(FIN | PING, b"between", key),
        frame(CONT, EURO[2:9], key), frame(FIN | CONT, EURO[9:], key),
        frame(FIN | BINARY, bytes(range(256)), key),
        frame(FIN | PONG, b"", key), frame(FIN | TEXT, b"", key),
        frame(FIN | BINARY, b"x" * 700, key),
        close(1000, b"bye", key)])


def both(name, make, flags=0, **kinds):
    """One seed for each role; `make` is given the peer's masking key."""
    for entry, key in (("conn_server", KEY), ("conn_client", None)):
        seed(entry, name, plan(flags, **kinds) + make(key))


both("echo-by-send", conversation)
both("echo-in-place", conversation, script=[IN_PLACE])
both("echo-from-own-memory", conversation, script=[OWN], dice=7)
both("echo-gathered", conversation, script=[GATHER | 0x50])
both("echo-in-parts", conversation, script=[PARTS | 0x70, PARTS | 0x80])
both("echo-shared", conversation, script=[SHARED, SEND])
both("echo-streamed", conversation, STREAM, cut=1)
both("echo-moved", conversation, MOVE, script=[IN_PLACE, SEND], cut=130)
both("many-replies", conversation,
     script=[SEND, IN_PLACE, CONTROL, SHARED, PARTS, OWN, BIG | 0x50, MISUSE])
both("small-queue", conversation, queue=0x56, script=[SEND, BIG | 0xF0])
both("close-midway", conversation, script=[SEND, SEND, SEND, END | 0x30, SEND])
both("close-at-once", conversation, script=[END])
both("free-midway", conversation, script=[SEND, SEND, SEND, FREE])
both("lost-midway", conversation, LOST, script=[SEND, SEND, SEND, LOSE])
both("ticks", conversation, SILENCE, script=[TICK | 0xF0, SEND])
both("silent-peer", lambda key: frame(FIN | TEXT, b"Hi", key), SILENCE)
both("silent-after-our-close", lambda key: frame(FIN | TEXT, b"Hi", key),
     CLOSING)
both("end-of-stream", lambda key: frame(TEXT, b"Hi", key))
for n in (1, 2, 3, 5, 9):
    both(f"allocation-{n}-fails", conversation, alloc=n,
         script=[SEND, IN_PLACE, SHARED, OWN])
both("no-memory-from-4-on", conversation, alloc=0x84,
     script=[SEND, IN_PLACE, PARTS])
both("random-3-fails", conversation, random=3)
both("large-read-in-place", lambda key: frame(FIN | BINARY, b"r" * 6000, key) +
     frame(BINARY, b"s" * 2500, key) + frame(FIN | CONT, b"t" * 2500, key),
     ROOM, cut=255, script=[IN_PLACE])
both("trusted-size", lambda key: frame(BINARY, b"a" * 9000, key) +
     frame(FIN | CONT, b"", key) + frame(BINARY, b"b" * 10, key) +
     header(CONT, 9000, key), cut=255)
both("declared-and-not-sent", lambda key: header(FIN | BINARY, 16000000, key))
both("declared-over-the-limit", lambda key: header(FIN | BINARY, 2**63 - 1,
                                                   key))
both("ping-flood", lambda key: b"".join(
    frame(FIN | PING, b"%d" % i + b"p" * 100, key) for i in range(40)),
    dice=3, script=[NOTHING])
both("replies-that-coalesce", lambda key: b"".join(
    frame(FIN | BINARY, bytes([65 + n]) * (n * 37), key) for n in range(9)),
    dice=0x81, cut=0, script=[IN_PLACE])
both("ping-flood-undrained", lambda key: b"".join(
    frame(FIN | PING, b"%d" % i + b"q" * 100, key) for i in range(60)),
    dice=0x85, cut=0, script=[NOTHING])
both("empty-fragments", lambda key: frame(TEXT, b"", key) +
     frame(CONT, b"", key) * 12, queue=0xFB)
both("not-utf8", lambda key: frame(FIN | TEXT, b"good \xe2\x82\xac bad \xff",
                                   key), STREAM, cut=4)
both("utf8-cut-at-the-end", lambda key: frame(FIN | TEXT, b"\xf0\x9f\x98", key))
both("surrogate", lambda key: frame(FIN | TEXT, b"\xed\xa0\x80", key), cut=1)
both("interleaved", lambda key: frame(TEXT, b"a", key) + frame(TEXT, b"b", key))
both("orphan", lambda key: frame(FIN | CONT, b"a", key))
both("rsv1", lambda key: frame(FIN | RSV1 | TEXT, b"a", key))
both("reserved-opcode", lambda key: frame(FIN | 0xB, b"a", key))
both("wrong-mask", lambda key: frame(FIN | TEXT, b"a", None if key else KEY))
both("unmasked-allowed", lambda key: conversation(None), UNMASKED)
both("close-without-code", lambda key: close(None, b"", key))
both("close-of-one-byte", lambda key: frame(FIN | CLOSE, b"\3", key))
both("close-1005", lambda key: close(1005, b"", key))
both("close-reason-not-utf8", lambda key: close(1000, b"\xff", key))
both("frames-behind-close", lambda key: close(1001, b"", key) +
     frame(FIN | TEXT, b"late", key))
both("message-of-the-limit", lambda key: frame(BINARY, b"a" * 100, key) +
     frame(FIN | CONT, b"b" * 25, key) + frame(BINARY, b"a" * 100, key) +
     frame(FIN | CONT, b"b" * 26, key), sizes=0x33)

for name, text in requests.items():
    seed("conn_server", f"request-{name}", plan(HANDSHAKE, cut=5) + text)
GOOD = requests["browser"] + conversation(KEY)
seed("conn_server", "accept-and-echo", plan(HANDSHAKE, cut=50) + GOOD)
for name, what in {"accept-chat": ACCEPT_IT, "refuse": REFUSE,
                   "accept-with-headers": ACCEPT_ECHO,
                   "refuse-with-headers": REFUSE_ECHO,
                   "defer-accept": DEFER, "close": 14, "free": FREE | 0x10,
                   "lose": LOSE, "tick": TICK | 0xF0}.items():
    seed("conn_server", f"at-request-{name}",
         plan(HANDSHAKE, cut=9, script=[what, SEND]) + GOOD)
for how, name in enumerate(("accept", "accept-with-headers", "refuse",
                            "close")):
    seed("conn_server", f"deferred-{name}",
         plan(HANDSHAKE | SILENCE, cut=90, script=[DEFER, how << 4, SEND]) +
         GOOD)
seed("conn_server", "answer-injected",
     plan(HANDSHAKE, script=[REFUSE_ECHO]) +
     head(REQUEST, b"X: a|~Set-Cookie: b", b"X|~: a"))
seed("conn_server", "head-over-its-limit",
     plan(HANDSHAKE, heads=1) + requests["browser"])
seed("conn_server", "line-over-its-limit",
     plan(HANDSHAKE, heads=2) + requests["long-line"])
seed("conn_server", "too-many-lines",
     plan(HANDSHAKE, heads=3) + requests["many-lines"])
seed("conn_server", "silent-client", plan(HANDSHAKE | SILENCE))
seed("conn_server", "gone-client", plan(HANDSHAKE) + b"GET / HT")

for name, text in responses.items():
    seed("conn_client", f"response-{name}", plan(HANDSHAKE, cut=5) + text)
seed("conn_client", "response-refused-with-a-long-body",
     plan(HANDSHAKE, cut=5, heads=0x0F) + head([b"HTTP/1.1 403 No"]) +
     b"a long body")
seed("conn_client", "response-refused-without-end",
     plan(HANDSHAKE, cut=90, heads=0x0D) + b"HTTP/1.1 403 No\r\n" +
     b"a" * 4500)
seed("conn_client", "open-and-echo",
     plan(HANDSHAKE, cut=40) + head(RESPONSE) + conversation(None))
seed("conn_client", "open-and-echo-without-memory",
     plan(HANDSHAKE, cut=40, alloc=4) + head(RESPONSE) + conversation(None))
seed("conn_client", "silent-server", plan(HANDSHAKE | SILENCE))
seed("conn_client", "gone-server", plan(HANDSHAKE) + b"HTTP/1.1 1")

# ---- what a scripted peer says: peer.c, script.c ----------------------------

SIZES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 17, 18, 20, 24, 31,
         32, 33, 40, 60, 62, 64, 66, 100, 121, 125, 126, 127, 128, 129, 200,
         250, 254, 255, 256, 257, 258, 300, 440, 448, 500, 700, 1000, 2000,
         2048, 4000, 4090, 4096, 4100, 5000, 8000, 8192, 9000, 16384, 20000,
         33000, 65535, 65536, 70000, 200000]
(ANY_BYTES, S_TEXT, S_BINARY, S_TEXT_BEGINS, S_BINARY_BEGINS, S_GOES_ON, S_ENDS,
 S_PING, S_PONG, S_CLOSE, S_HEADER, S_ANY_FRAME, S_ENCODED, S_ENCODED_BEGINS,
 S_HEAD, S_LONG_TEXT) = range(16)
SAME, ASCII, WHOLE_TEXT, CUT_TEXT, BAD_END, BAD_MIDDLE, BANG, LITERAL = range(8)


def size(length):
    return bytes([SIZES.index(length)])


def payload(kind, length):
    return bytes([kind]) + size(length)


def literal(content):
    """Content of a length that is a row of the table."""
    return payload(LITERAL, len(content)) + content


def say(what, kind=ASCII, length=5, k=3):
    return bytes([k << 4 | what]) + payload(kind, length)


def say_close(code_row=0, length=3):
    return bytes([S_CLOSE]) + payload(ASCII, length) + bytes([code_row])


def say_head(what=0x0C):
    return bytes([S_HEAD, what])


def say_long(thousands, bad=0):
    return bytes([0x30 | S_LONG_TEXT, thousands, bad])


# ---- pump -------------------------------------------------------------------

P_CLIENT, P_EXT, TRACED, BLOCKING = 1, 2, 4, 8
(ALL, SOME, MORE, WAIT_READ, WAIT_WRITE, AGAIN, BREAK, NO_BYTES) = range(8)
ENDS_NOW = 1 << 3  # with BREAK and NO_BYTES
(DO_NOTHING, DO_FLUSH, DO_TICK, DO_WAIT, DO_MOVE, DO_SEND, DO_SEND2, DO_SHARED,
 DO_CONTROL, DO_CLOSE, DO_FREE) = range(11)


def pump(said, turns=b"", flags=0, kernels=9, buffer=0, **kinds):
    turns = bytes(turns)[:255]
    return plan(kinds.pop("of", 0), **kinds) + \
        bytes([flags, kernels, buffer, len(turns)]) + turns + said


TALK = b"".join([
    say(S_TEXT), say(S_PING), say(S_BINARY, SAME, 300),
    say(S_TEXT, WHOLE_TEXT, 40),
    say(S_TEXT_BEGINS, ASCII, 10), say(S_PING), say(S_GOES_ON, ASCII, 4100),
    say(S_ENDS, ASCII, 0), say(S_BINARY, ASCII, 70000), say(S_PONG),
    say(S_BINARY, ASCII, 9000), say_close()])
EXT_TALK = b"".join([
    say(S_ENCODED), say(S_ENCODED, WHOLE_TEXT, 200), say(S_TEXT, ASCII, 100),
    say(S_ENCODED_BEGINS, ASCII, 60), say(S_GOES_ON, SAME | 8, 4),
    say(S_ENDS, LITERAL, 2) + b"\5\6", say_close()])
MIXED = [SOME | 0x20, DO_FLUSH, AGAIN, WAIT_READ, DO_MOVE, MORE, WAIT_WRITE,
         NO_BYTES, DO_WAIT, SOME, DO_SEND, ASCII, 27, ALL, DO_CONTROL, ASCII, 5]

for role, flag in (("server", 0), ("client", P_CLIENT)):
    for name, kinds in {
            "echo": {}, "echo-blocking": {"flags": BLOCKING},
            "echo-in-place": {"script": [IN_PLACE]},
            "echo-traced": {"flags": TRACED},
            "echo-streamed": {"of": STREAM},
            "echo-byte-by-byte": {"turns": [SOME, DO_NOTHING] * 120},
            "small-buffer": {"buffer": 7, "script": [IN_PLACE, SEND]},
            "large-buffer": {"buffer": 0xF0, "script": [IN_PLACE]},
            "mixed": {"turns": MIXED * 10, "script": [SEND, IN_PLACE, SHARED]},
            "silence": {"of": SILENCE, "turns": MIXED},
            "end-at-once": {"turns": [NO_BYTES | ENDS_NOW]},
            "broken-read": {"turns": [ALL, DO_NOTHING, BREAK | ENDS_NOW]},
            "closes": {"script": [SEND, END | 0x10]},
            "small-queue": {"queue": 0x56, "turns": [WAIT_WRITE, 0] * 30},
            "free-midway": {"script": [SEND, SEND, FREE]},
            "lost-midway": {"script": [SEND, SEND, LOSE]},
            "allocation-2-fails": {"alloc": 2, "turns": MIXED},
            "allocation-5-fails": {"alloc": 5, "turns": MIXED},
    }.items():
        kinds = dict(kinds)
        flags = kinds.pop("flags", 0) | flag
        turns = kinds.pop("turns", b"")
        seed("pump", f"{role}-{name}", pump(TALK, turns, flags, **kinds))
    seed("pump", f"{role}-handshake",
         pump(say_head() + TALK, flags=flag, of=HANDSHAKE))
    seed("pump", f"{role}-handshake-broken-write",
         pump(say_head() + TALK, [BREAK | ENDS_NOW] * 3, flag, of=HANDSHAKE))
    seed("pump", f"{role}-extension",
         pump(say_head(0x20) + EXT_TALK, MIXED, flag | P_EXT, of=HANDSHAKE))
    seed("pump", f"{role}-long-text",
         pump(say_long(200), flags=flag, script=[NOTHING]))
    # The pump's cursor pointed into the connection's block, for ever.
    seed("pump", f"regression-{role}-bad-text-read-in-place",
         pump(say_long(200, 100), flags=flag, script=[NOTHING]))
    seed("pump", f"regression-{role}-bad-text-and-free",
         pump(say_long(200, 100), flags=flag, script=[NOTHING, FREE]))
for name, what in {"accept": ACCEPT_IT, "refuse": REFUSE,
                   "accept-with-headers": ACCEPT_ECHO, "defer": DEFER}.items():
    seed("pump", f"server-{name}",
         pump(say_head(0x4C) + TALK, MIXED, of=HANDSHAKE, script=[what, SEND]))
# A partial write, and no memory for the rest: UPF_OK came without an event.
# Put off, it was WANT_WRITE of a connection that is to be closed.
for name, last in (("write", []), ("write-put-off", [WAIT_WRITE])):
    seed("pump", f"regression-partial-{name}-without-memory",
         pump(say(S_BINARY, ASCII, 300) + say(S_BINARY, ASCII, 300),
              [DO_NOTHING, ALL, DO_NOTHING, DO_NOTHING, SOME, *last], alloc=0x81,
              script=[NOTHING, IN_PLACE, IN_PLACE]))
seed("pump", "late-pongs",
     pump(b"".join(say(S_PING, ASCII, 125) for _ in range(24)),
          [DO_NOTHING, ALL] + [DO_NOTHING] * 24 + [MORE | 0x20] * 9, BLOCKING,
          alloc=0, script=[NOTHING]))
# It failed, and CLOSE waited; a read in front of it may take for ever.
seed("pump", "client-late-pong-without-random",
     pump(b"".join(say(S_PING, ASCII, 125) for _ in range(24)),
          [DO_NOTHING, ALL] + [DO_NOTHING] * 24 + [MORE | 0x20] * 9,
          BLOCKING | P_CLIENT, random=16, script=[NOTHING]))

# ---- calls ------------------------------------------------------------------

(C_NEXT, C_DRAIN, C_SAY, C_HEAR, C_EXCHANGE, C_ROOM, C_SEND, C_REPLY,
 C_IN_PLACE, C_OWN, C_GATHERED, C_PART, C_SHARED, C_CONTROL, C_CLOSE, C_OFFER,
 C_WRITE, C_WRITE_ALL, C_DONE, C_TICK, C_WAIT, C_EOF, C_LOST, C_FREE, C_ANSWER,
 C_MISUSE, C_MOVE, C_KEEP, C_HOLD, C_REPEAT, C_OURS) = range(31)
C_EXT, C_RANDOM = 2, 4


def calls(*ops, flags=0, kernels=9, **kinds):
    """An operation is a number, or bytes that begin with one."""
    script = b"".join(op if isinstance(op, bytes) else bytes([op])
                      for op in ops)
    return plan(kinds.pop("of", 0), **kinds)[:8] + bytes([flags, kernels]) + \
        script


def op(number, *more):
    return bytes([number]) + b"".join(
        m if isinstance(m, bytes) else bytes([m]) for m in more)


def send(number, kind=ASCII, length=5, opcode=0, *more):
    return op(number, opcode, payload(kind, length), *more)


def again(back, times):
    return op(C_REPEAT, back - 1, times)


OPENS = op(C_NEXT, 0)
DRAINS = op(C_DRAIN, 0)
HEAR = [op(C_HEAR, say(S_TEXT)), op(C_HEAR, say(S_BINARY, SAME, 300)),
        op(C_HEAR, say(S_BINARY, ASCII, 12)), op(C_HEAR, say(S_PING)),
        op(C_HEAR, say(S_TEXT, WHOLE_TEXT, 60))]

for role, flag in (("server", 0), ("client", 1)):
    for name, content in {
            "replies": [x for h in HEAR for x in (h, C_REPLY)],
            "replies-in-place": [x for h in HEAR for x in (h, op(C_IN_PLACE, 0))],
            "replies-written": [x for h in HEAR
                                for x in (h, C_REPLY, C_WRITE_ALL)],
            "shorter-replies": [x for h in HEAR
                                for x in (h, op(C_IN_PLACE, 100), C_MOVE)],
            "sends": [send(n, kind, length, kind & 1)
                      for n in (C_SEND, C_OWN, C_SHARED)
                      for kind in (ASCII, WHOLE_TEXT, BANG, BAD_END)
                      for length in (0, 9, 129, 300, 5000)],
            "gathered": [send(C_GATHERED, kind, 300, 1, cut)
                         for kind in (ASCII, WHOLE_TEXT, BANG)
                         for cut in (0, 7, 128, 255)],
            "parts": [send(C_PART, CUT_TEXT, 17, 1), send(C_CONTROL),
                      send(C_PART, BANG, 17, 2), send(C_PART, BANG, 17, 0),
                      send(C_PART, ASCII, 5, 2), send(C_SEND)],
            "control": [send(C_CONTROL, ASCII, 125, i & 1) for i in range(40)],
            "partial-writes": [send(C_SEND, ASCII, 300),
                               send(C_OWN, ASCII, 300),
                               send(C_SHARED, ASCII, 100)] +
            [op(C_WRITE, size(n), 1) for n in (1, 5, 129, 448, 300)],
            "offers": [send(C_OWN, ASCII, 300), op(C_OFFER, 3),
                       send(C_SEND, ASCII, 300), op(C_OFFER, 3),
                       op(C_DONE, size(100)), send(C_SEND), op(C_DONE, 0)],
            "offered-then-sent": [
                send(C_SEND), op(C_OFFER, 3), send(C_SEND, ASCII, 440),
                send(C_SEND, ASCII, 5000), send(C_SHARED, ASCII, 5),
                op(C_DONE, 0)],
            "exchanged": [op(C_SAY, say(S_BINARY, ASCII, 300)),
                          op(C_SAY, say(S_BINARY, ASCII, 40)),
                          op(C_NEXT, 0), op(C_IN_PLACE, 0),
                          op(C_EXCHANGE, size(10)), op(C_NEXT, size(8)),
                          op(C_IN_PLACE, 0), C_WRITE_ALL],
            "room": [op(C_SAY, say_long(20)), op(C_NEXT, size(100)),
                     op(C_ROOM, size(4100)), op(C_ROOM, 0), op(C_ROOM, 0),
                     again(2, 9), op(C_IN_PLACE, 0), C_KEEP],
            "pieces": [op(C_SAY, say(S_TEXT_BEGINS)), op(C_SAY, say(S_PING)),
                       op(C_SAY, say(S_ENDS, WHOLE_TEXT, 300)),
                       op(C_NEXT, size(3)), again(1, 200), C_REPLY],
            "many-short": [op(C_HEAR, say(S_BINARY)), op(C_IN_PLACE, 0),
                           again(2, 200), C_WRITE_ALL, again(4, 3)],
            "close": HEAR + [op(C_CLOSE, 4), op(C_HEAR, say_close())],
            "peer-closes": HEAR + [op(C_HEAR, say_close(1)), DRAINS],
            "eof": HEAR + [op(C_EOF, 0), DRAINS],
            "lost": HEAR + [C_REPLY, op(C_LOST, 0), DRAINS],
            "free": HEAR + [C_REPLY, op(C_FREE, 0), DRAINS, C_REPLY],
            "keepalive": [op(C_TICK, 1), C_WAIT, op(C_HEAR, say(S_PONG)),
                          C_WAIT, C_WAIT, C_WAIT, DRAINS],
            "misuse": [x for h in HEAR for x in (h, C_MISUSE)],
            "answer-nothing": [op(C_ANSWER, 0)],
            "long-hold": [op(C_HOLD, 1)] + HEAR + [op(C_HOLD, 0), DRAINS],
    }.items():
        seed("calls", f"{role}-{name}", calls(OPENS, *content, flags=flag))
        seed("calls", f"{role}-{name}-extension",
             calls(op(C_HEAR, say_head(0x24)), DRAINS, *content,
                   flags=flag | C_EXT, of=HANDSHAKE, queue=0x6E))
    seed("calls", f"{role}-real-random",
         calls(OPENS, *[send(C_SEND, ASCII, n) for n in (5, 12, 100, 300)] * 3,
               flags=flag | C_RANDOM))
    for kernels in range(8):
        seed("calls", f"{role}-kernels-{kernels}",
             calls(OPENS, *[x for what in (S_TEXT, S_BINARY)
                            for n in (3, 9, 17, 60, 125, 300, 70000)
                            for x in (op(C_HEAR, say(what, WHOLE_TEXT, n)),
                                      C_REPLY)], flags=flag, kernels=kernels))
    seed("calls", f"{role}-encoded",
         calls(op(C_HEAR, say_head(0x20)), DRAINS,
               op(C_HEAR, say(S_ENCODED, WHOLE_TEXT, 60)), op(C_IN_PLACE, 0),
               op(C_SAY, say(S_ENCODED_BEGINS, ASCII, 300)),
               op(C_SAY, say(S_ENDS, LITERAL, 2) + b"\5\6"),
               op(C_DRAIN, size(7)), C_REPLY, flags=flag | C_EXT,
               of=HANDSHAKE))
    seed("calls", f"{role}-encoded-streamed",
         calls(op(C_HEAR, say_head(0x20)), DRAINS,
               op(C_SAY, say(S_ENCODED, CUT_TEXT, 300)), op(C_DRAIN, size(7)),
               C_REPLY, flags=flag | C_EXT, of=HANDSHAKE | STREAM))
    for name, content in {
            "deferred": [op(C_ANSWER, 4), C_WAIT, op(C_ANSWER, 0x10), DRAINS],
            "accepted": [op(C_ANSWER, 0), DRAINS], "refused": [op(C_ANSWER, 1)],
            "closed": [op(C_ANSWER, 6)], "nothing": [DRAINS],
            "waits": [C_WAIT, C_WAIT, C_WAIT, DRAINS],
            "exchanged": [op(C_EXCHANGE, 0), op(C_ANSWER, 2), DRAINS],
    }.items():
        seed("calls", f"{role}-handshake-{name}",
             calls(op(C_HEAR, say_head(0x4C)), *content, *HEAR, flags=flag,
                   of=HANDSHAKE))
    # A tick before OPEN was delivered ended the connection.
    seed("calls", f"regression-{role}-tick-before-open",
         calls(op(C_TICK, 5), DRAINS, flags=flag))
    # Heap over the promise: long and short in turns, that nobody writes.
    regression = "" if flag else "regression-"
    seed("calls", f"{regression}{role}-memory-over-the-promise",
         calls(OPENS, op(C_HEAR, say(S_BINARY, ASCII, 300)), op(C_IN_PLACE, 0),
               op(C_HEAR, say(S_BINARY, ASCII, 1)), op(C_IN_PLACE, 0),
               op(C_WRITE, 0, 0), again(5, 250), flags=flag))
    seed("calls", f"{regression}{role}-shared-and-short",
         calls(OPENS, send(C_SHARED, ASCII, 62), send(C_SEND, ASCII, 1),
               again(2, 250), flags=flag))
    seed("calls", f"regression-{role}-encoded-over-the-limit",
         calls(op(C_HEAR, say_head(0x20)), DRAINS, C_WRITE_ALL,
               send(C_SEND, ASCII, 100), flags=flag | C_EXT, of=HANDSHAKE,
               queue=0xD6))
# Refused behind the encoder, which was then one message ahead.
seed("calls", "regression-client-encoded-without-random",
     calls(op(C_HEAR, say_head(0x20)), DRAINS, C_WRITE_ALL,
           send(C_SEND, ASCII, 100), send(C_SEND, ASCII, 100),
           flags=1 | C_EXT, of=HANDSHAKE, random=2))
seed("calls", "regression-server-accepted-and-ticked",
     calls(op(C_HEAR, say_head(0)), op(C_ANSWER, 0), op(C_TICK, 5), DRAINS,
           of=HANDSHAKE))

# A message that came in two pieces lies in the connection's block, which a
# reply lends to the output.
PIECES = [op(C_SAY, say(S_BINARY, ASCII, 5000)), op(C_NEXT, size(2000)),
          op(C_NEXT, 0)]
for name, content in {
        "lent-block-grows": PIECES + [op(C_IN_PLACE, 0), send(C_SEND),
                                      send(C_OWN, ASCII, 300), C_WRITE_ALL],
        "lent-block-again": PIECES + [op(C_IN_PLACE, 0), C_OURS, C_WRITE_ALL],
        "lent-block-is-large": [
            op(C_SAY, say(S_BINARY, ASCII, 70000)), op(C_NEXT, size(2000)),
            op(C_NEXT, 0), op(C_IN_PLACE, 255), op(C_HEAR, say(S_BINARY))],
        "ping-behind-a-beginning": [
            op(C_SAY, say(S_BINARY_BEGINS, ASCII, 300)),
            op(C_SAY, say(S_PING)), op(C_NEXT, size(300)), op(C_NEXT, size(8)),
            op(C_NEXT, size(8)), op(C_NEXT, 0), C_WRITE_ALL, C_OURS,
            op(C_SAY, say(S_ENDS, ASCII, 5000)), DRAINS, C_WRITE_ALL],
        "offered-and-borrowed": [
            send(C_OWN, ASCII, 100), op(C_OFFER, 3), send(C_OWN, ASCII, 9),
            op(C_OFFER, 3), op(C_DONE, 0)],
        "silence-while-held": [op(C_HOLD, 1), op(C_TICK, 1)] +
        [C_WAIT, C_WRITE_ALL] * 5,
        "shared-and-tiny": [send(C_SHARED, ASCII, 1), again(1, 255)] * 5,
}.items():
    seed("calls", f"server-{name}", calls(OPENS, *content, DRAINS))
# Three bytes of a code point, in a block that a ping in pieces replaces.
seed("calls", "server-ping-within-a-code-point",
     calls(op(C_HEAR, say_head(0x20)), DRAINS,
           op(C_SAY, bytes([ANY_BYTES]) + literal(frame(
               RSV1 | TEXT, bytes([255, 0x55 ^ 0x61] * 44) +
               bytes([1, 0x55 ^ 0xF0, 1, 0x55 ^ 0x9F, 1, 0x55 ^ 0x98]), KEY))),
           DRAINS, op(C_SAY, say(S_PING, ASCII, 2)), op(C_NEXT, size(7)),
           op(C_NEXT, 0), op(C_SAY, say(S_ENDS, LITERAL, 2) +
                             bytes([1, 0x55 ^ 0x80])),
           DRAINS, flags=C_EXT, of=HANDSHAKE | STREAM))

# ---- arena, backoff ---------------------------------------------------------

for name, memory, content in (
        ("grow", 4000, bytes(x for n in range(40) for x in (n % 5, n // 8, n))),
        ("fill", 300, bytes(x for n in range(40) for x in (n % 16, 0, 40))),
        ("holes", 2000, bytes(x for n in range(16) for x in (n, 0, 90)) +
         bytes(x for n in range(0, 16, 2) for x in (n, 0, 0)) +
         bytes(x for n in range(16) for x in (n, 0, 150))),
        ("shrink", 2000, bytes((0, 3, 0, 1, 1, 0, 0, 0, 9, 1, 3, 0, 0, 3, 0))),
        ("immense", 500, bytes((0xF0, 0, 0, 0xF1, 0, 9, 2, 0, 8))),
        ("nothing", 0, bytes((0, 0, 1))), ("tiny", 9, bytes((0, 0, 1)))):
    for apart in (0, 3):
        seed("arena", f"{name}-{apart}",
             struct.pack(">HB", memory, apart) + content)


def lost(how, time=0, random=0x80000000, status=0, code=0):
    return struct.pack(">BIIBB", how, time, random, status, code)


for name, policy in (("default", (5000, 120000, 60000, 0)),
                     ("three-tries", (100, 1000, 10, 3)),
                     ("no-base", (0, 1, 1, 0)), ("small-cap", (5, 4, 1, 0)),
                     ("large", (2**32 - 1, 2**32 - 1, 1, 0))):
    seed("backoff", name, struct.pack(">IIII", *policy) +
         b"".join(lost(n % 2, 7000 * n, status=n, code=n) for n in range(64)) +
         lost(3, 5) + lost(3, 2**32 - 1))

# The block of a long message, with the beginning of a short one in its read.
for role, flag in (("server", 0), ("client", 1)):
    seed("calls", f"{role}-block-of-the-message-before",
         calls(OPENS, op(C_SAY, say(S_BINARY, ASCII, 20000)),
               op(C_NEXT, size(100)), op(C_SAY, say(S_BINARY_BEGINS)),
               DRAINS, flags=flag))
for name, value in (("seconds", b"120"), ("immense", b"9" * 40),
                    ("date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("date-of-no-month", b"Sun, 06 Xyz 1994 08:49:37 GMT"),
                    ("date-of-no-hour", b"Sun, 06 Nov 1994 xx:49:37 GMT"),
                    ("date-far", b"Fri, 31 Dec 9999 23:59:60 GMT"),
                    ("february", b"Tue, 29 Feb 2000 00:00:00 GMT")):
    seed("backoff", f"retry-after-{name}", value)

# ---- fields, config ---------------------------------------------------------

for i, strings in enumerate((
        (b"a", b"/?a=1&b=2", b"a=1; b=2", b"Bearer abc.def=="),
        (b"b", b"/p?x=%41+%20&b", b"a=1;b = \"2\" ; c", b"bearer x"),
        (b"user id", b"/?u%73er+id=%F0%9F", b"=x; user id=1", b"Basic abc"),
        (b"a", b"/?a=%4&%00=1", b"", b"Bearer "), (b"", b"/?=1&&", b"=;;", b"x"),
        (b"a", b"no query%2", b"a", b"Bearer a b"),
        (b"chat", b"/?chat#", b"x, chat ,y", b"Bearer =a"))):
    seed("fields", f"strings-{i}", b"\0".join(strings))
seed("fields", "query-names-alike", b"user\0/?us=1&user=2")
seed("fields", "cookie-in-the-second-line", b"b\0\0a=1; c=2\nd; b=3")
SOUND = [size(70000)] * 3 + [size(4096), size(4096), size(100), size(70000),
                             size(70000)]
for i in range(len(SOUND)):
    seed("config", f"zero-{i}", b"".join(
        size(0) if k == i else s for k, s in enumerate(SOUND)) + bytes(4))
    seed("config", f"small-{i}", b"".join(
        size(9) if k == i else s for k, s in enumerate(SOUND)) + bytes(4))
for i, rest in enumerate(((0, 0, 0, 0), (4, 0, 0, 0), (0, 1, 4, 0), (0, 2, 0, 0),
                          (0, 3, 0, 0), (0, 1, 5, 0), (0, 1, 6, 0), (0, 1, 7, 0),
                          (0, 0, 0, 1), (0, 0, 0, 2))):
    seed("config", f"rest-{i}", b"".join(SOUND) + bytes(rest))
for n in (0, 55, 56, 64, 119, 200):
    seed("config", f"length-{n}", bytes(n))

# ---- inflate ----------------------------------------------------------------


def deflated(text, level=9, strategy=zlib.Z_DEFAULT_STRATEGY, final=False):
    stream = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    out = stream.compress(text)
    if final:
        return out + stream.flush(zlib.Z_FINISH)
    return (out + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


PLAN = b"\x07\x05"  # a window of 15 bits, no history
LIST = b", ".join(b"%d: %x" % (i, i * i * 7919) for i in range(60))

for name, payload in (
        ("empty", b""), ("nothing", b"\0"),
        ("hello", deflated(b"Hello")),
        ("stored", deflated(b"Hello, stored", 0)),
        ("dynamic", deflated(LIST)),
        ("huffman", deflated(LIST, 9, zlib.Z_HUFFMAN_ONLY)),
        ("runs", deflated(b"".join(bytes([i]) * i * 9 for i in range(30)),
                          9, zlib.Z_RLE)),
        ("final", deflated(b"Hello", final=True)),
        ("final-and-on", deflated(b"Hello", final=True) + b"\0"),
        ("final-twice", deflated(b"Hello", final=True) +
         deflated(LIST, final=True)),
        ("truncated", deflated(LIST)[:-9]),
        ("header-only", deflated(LIST)[:40]),
        ("type-3", b"\x06\0"),
        ("too-far", bytes.fromhex("f20071000000"))):
    seed("inflate", name, PLAN + payload)
seed("inflate", "window-8", b"\x00\x05" + deflated(LIST))
seed("inflate", "history", b"\x0f\x05" + bytes.fromhex("f200110000"))
seed("inflate", "history-in-window-8",
     b"\x08\x05" + bytes.fromhex("f200110000"))

# ---- deflate ----------------------------------------------------------------


def encoded(what, size, start=0, times=1, level=1, shift=0):
    """An operation: a message of the input's bytes from 16 * start on."""
    return bytes([what | level << 3 | shift << 5, size, start, times])


SEND, REFUSE, FEED, DROP, PART = 0, 4, 5, 6, 7
STEPS = b"".join((
    encoded(SEND, 200, 4), encoded(SEND, 200, 5), encoded(REFUSE, 250, 6),
    encoded(SEND, 200, 6), encoded(FEED, 250, 8, 2), encoded(SEND, 220, 7, 3),
    encoded(PART, 90, 4), encoded(PART, 0), encoded(SEND, 80, 5, 9),
    encoded(DROP, 90, 4), encoded(SEND, 250, 4, 4, shift=2)))
for bits in range(8):
    for level in range(3):
        seed("deflate", f"window-{bits + 8}-level-{level}",
             bytes([bits | level << 3 | 0xC0]) + STEPS + LIST)
NOISE = bytes((i * i * 31 + i * 7 >> 3) % 256 for i in range(1500))
seed("deflate", "noise", b"\x07" + STEPS + NOISE)
seed("deflate", "high", b"\x0c" + STEPS + bytes(b | 0x90 for b in NOISE))
seed("deflate", "zeros", b"\x07" + STEPS + bytes(900))
seed("deflate", "long", b"\x8a" + b"".join(
    encoded(what, 255, 3, 31, level, 3)
    for what in (SEND, FEED, SEND, REFUSE, SEND) for level in range(3)) + LIST)
seed("deflate", "nothing", b"")
seed("deflate", "empty-messages", b"\x01" + encoded(SEND, 0) * 3 +
     encoded(PART, 0) + encoded(FEED, 0) + encoded(DROP, 0))
