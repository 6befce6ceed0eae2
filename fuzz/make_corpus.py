#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# make_corpus.py - write the seeds of the fuzz entries: corpus/<entry>/<what>.
"""What each seed is, in one place; run it in fuzz/. Seeds that are not made
here (regressions, found by a fuzzer) are left alone."""

import base64
import hashlib
import os
import struct

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
seed("conn_client", "open-and-echo",
     plan(HANDSHAKE, cut=40) + head(RESPONSE) + conversation(None))
seed("conn_client", "open-and-echo-without-memory",
     plan(HANDSHAKE, cut=40, alloc=4) + head(RESPONSE) + conversation(None))
seed("conn_client", "silent-server", plan(HANDSHAKE | SILENCE))
seed("conn_client", "gone-server", plan(HANDSHAKE) + b"HTTP/1.1 1")
