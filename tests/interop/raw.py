# SPDX-License-Identifier: MIT
"""raw.py - what no library sends: our echo_server against bare sockets."""

import asyncio
import socket
import struct
import sys

from kit import (BIN, SUITE, Failure, Server, check, client_tls, expect,
                 finish)
from wire import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame,
                  connect, frame, open_socket, read_frame, read_head, request)

MIB = 1 << 20
HELLO = frame(TEXT, b"hello")

# What breaks the protocol: name, bytes, close codes that may answer it.
VIOLATIONS = [
    ("an unmasked frame", frame(TEXT, b"x", mask=None), 1002),
    ("RSV1", frame(TEXT, b"x", rsv=4), 1002),
    ("RSV2", frame(TEXT, b"x", rsv=2), 1002),
    ("RSV3", frame(TEXT, b"x", rsv=1), 1002),
    ("RSV1 on a ping", frame(PING, b"x", rsv=4), 1002),
    *((f"opcode {opcode:X}", frame(opcode, b"x"), 1002)
      for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    ("length 125 in 16 bits", frame(TEXT, b"x" * 125, width=2), 1002),
    ("length 65535 in 64 bits", frame(TEXT, b"x" * 65535, width=8), 1002),
    ("length 2^63", frame(BINARY, declare=1 << 63, width=8), 1002),
    ("a ping in fragments", frame(PING, b"x", fin=False), 1002),
    ("a Close in fragments", frame(CLOSE, b"", fin=False), 1002),
    ("a ping of 126 bytes", frame(PING, b"x" * 126), 1002),
    ("a Close of 126 bytes", close_frame(1000, b"x" * 124), 1002),
    ("a continuation of nothing", frame(CONTINUATION, b"x"), 1002),
    ("a continuation of a finished message",
     HELLO + frame(CONTINUATION, b"x"), 1002),
    ("a text inside a text",
     frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
    ("a binary inside a text",
     frame(TEXT, b"x", fin=False) + frame(BINARY, b"y", fin=False), 1002),
    ("text that is not UTF-8", frame(TEXT, b"caf\xe9"), 1007),
    ("an overlong slash", frame(TEXT, b"\xc0\xaf"), 1007),
    ("a surrogate", frame(TEXT, b"\xed\xa0\x80"), 1007),
    ("a code point past U+10FFFF", frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    ("text that ends inside a code point", frame(TEXT, b"\xe2\x82"), 1007),
    ("a code point cut off by the last fragment",
     frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"\x82"), 1007),
    ("bad UTF-8 in a fragment, before the message ends",
     frame(TEXT, b"ok", fin=False) + frame(CONTINUATION, b"\xff", fin=False),
     1007),
    ("bad UTF-8 in a frame that never ends",
     frame(TEXT, b"\xff" * 100, declare=60000), 1007),
    ("a Close of one byte", frame(CLOSE, b"\x03"), 1002),
    *((f"close code {code}", close_frame(code), 1002)
      for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)),
    ("a close reason that is not UTF-8", close_frame(1000, b"\xff"), 1007),
    ("a frame over 16 MiB, declared", frame(BINARY, declare=16 * MIB + 1), 1009),
    ("a frame of 2^62, declared", frame(BINARY, declare=1 << 62), 1009),
    ("a message over 16 MiB, declared in two frames",
     frame(TEXT, b"x", fin=False) + frame(CONTINUATION, declare=16 * MIB), 1009),
    ("200,000 empty fragments", frame(TEXT, b"", fin=False) +
     frame(CONTINUATION, b"", fin=False) * 200000, (1008, 1009)),
]

GOOD_CODES = [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]

# What is no handshake: name, whole request, status.
HOST = "127.0.0.1"
REFUSALS = [
    ("version 8", request(HOST, headers={"Sec-WebSocket-Version": "8"}), 426),
    ("version 14", request(HOST, headers={"Sec-WebSocket-Version": "14"}), 426),
    ("no version", request(HOST, drop=["Sec-WebSocket-Version"]), (400, 426)),
    ("no key", request(HOST, drop=["Sec-WebSocket-Key"]), 400),
    ("a key of 15 bytes",
     request(HOST, headers={"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA"}), 400),
    ("no Host", request(HOST, drop=["Host"]), 400),
    ("two Hosts", request(HOST, headers={"host": HOST}), 400),
    ("no Connection", request(HOST, drop=["Connection"]), (400, 426)),
    ("HTTP/1.0", request(HOST).replace(b"HTTP/1.1", b"HTTP/1.0"),
     (200, 400, 426, 505)),
    ("POST", request(HOST).replace(b"GET", b"POST"), (400, 405)),
    ("a body", request(HOST, headers={"Content-Length": "5"}) + b"hello", 400),
    ("a space before the colon",
     request(HOST).replace(b"Upgrade:", b"Upgrade :"), 400),
    ("a folded line",
     request(HOST).replace(b"Host:", b"X: a\r\n b\r\nHost:"), 400),
    ("a bare line feed", request(HOST).replace(b"\r\nHost", b"\nHost"), 400),
    ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    ("a foreign origin",
     request(HOST, headers={"Origin": "http://evil.example"}), 403),
    ("a null origin", request(HOST, headers={"Origin": "null"}), 403),
    ("a line of 64 KiB", request(HOST, headers={"X": "x" * 65536}), 431),
    ("a thousand lines",
     request(HOST, headers={f"X-{i}": "" for i in range(1000)}), 431),
    ("another path, without an upgrade",
     b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
]


async def write_bytes(writer, data):
    """One byte a segment, as far as the peer lets us."""
    for i in range(len(data)):
        if writer.is_closing():
            break
        writer.write(data[i:i + 1])
        await asyncio.sleep(0)  # let asyncio send it


async def expect_close(reader, codes, echoes=None):
    """The frames up to a Close with one of `codes`, then the stream's end."""
    codes = codes if isinstance(codes, tuple) else (codes,)
    seen = []
    while True:
        fin, rsv, opcode, was_masked, payload = await read_frame(reader)
        expect((rsv, was_masked), (0, False), "RSV and MASK of a server frame")
        if opcode == CLOSE:
            break
        seen.append(payload)
    code = struct.unpack("!H", payload[:2])[0] if payload else 1005
    if code not in codes:
        raise Failure(f"close code: expected {codes}, got {code} "
                      f"{payload[2:]!r}")
    if echoes is not None:
        expect(seen, echoes, "what came before the Close")
    expect(await reader.read(), b"", "bytes behind the Close")


async def violation(server, tls, data, codes):
    reader, writer = await open_socket(server, tls)
    writer.write(HELLO + data)
    # What came before the violation is answered; what comes after is not.
    writer.write(HELLO)
    await expect_close(reader, codes, [b"hello"] * (1 + data.startswith(HELLO)))
    writer.close()


async def violation_in_bytes(server, tls, data, codes):
    """The verdict must not depend on how TCP cuts the stream."""
    reader, writer = await open_socket(server, tls)
    await write_bytes(writer, data)
    await expect_close(reader, codes)
    writer.close()


async def close_code(server, tls, code):
    reader, writer = await open_socket(server, tls)
    writer.write(close_frame(code, "bye \u20ac".encode()) + HELLO)
    await expect_close(reader, code, [])
    writer.close()


async def refusal(server, tls, data, statuses):
    statuses = statuses if isinstance(statuses, tuple) else (statuses,)
    reader, writer = await connect(server, tls)
    writer.write(data)
    status, fields = await read_head(reader)
    if status not in statuses:
        raise Failure(f"HTTP status: expected {statuses}, got {status}")
    if status == 426:
        expect(fields.get("sec-websocket-version"), ["13"], "Version of a 426")
        expect(fields.get("upgrade"), ["websocket"], "Upgrade of a 426")
    body = await reader.read()
    expect(fields.get("content-length"), [str(len(body))], "Content-Length")
    writer.close()


async def page(server, tls):
    reader, writer = await connect(server, tls)
    writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    status, fields = await read_head(reader)
    expect(status, 200, "HTTP status")
    expect(fields["content-type"][0].split(";")[0], "text/html", "its type")
    body = await reader.read()
    expect(fields.get("content-length"), [str(len(body))], "Content-Length")
    writer.close()


async def byte_by_byte(server, tls):
    reader, writer = await connect(server, tls)
    stream = request(f"127.0.0.1:{server.port}")
    stream += frame(TEXT, b"hel", fin=False) + frame(PING, b"!")
    stream += frame(CONTINUATION, b"lo") + close_frame(1000)
    await write_bytes(writer, stream)
    status, _ = await read_head(reader)
    expect(status, 101, "HTTP status")
    await expect_close(reader, 1000, [b"!", b"hello"])
    writer.close()


async def all_in_one_segment(server, tls):
    """Handshake, ping, message and Close leave in one write."""
    reader, writer = await connect(server, tls)
    writer.write(request(f"127.0.0.1:{server.port}") + frame(PING, b"!") +
                 HELLO + close_frame(1001))
    status, _ = await read_head(reader)
    expect(status, 101, "HTTP status")
    await expect_close(reader, 1001, [b"!", b"hello"])
    writer.close()


async def half_closed(server, tls):
    """A client that shuts its write side down still gets its answers."""
    reader, writer = await open_socket(server, tls)
    writer.write(HELLO + close_frame(1000))
    writer.write_eof()
    await expect_close(reader, 1000, [b"hello"])
    writer.close()


async def ends_without_close(server, tls):
    reader, writer = await open_socket(server, tls)
    writer.write(HELLO)
    writer.write_eof()
    fin, rsv, opcode, _, payload = await read_frame(reader)
    expect((opcode, payload), (TEXT, b"hello"), "echo")
    rest = await reader.read()
    if rest not in (b"", b"\x88\x00"):
        raise Failure(f"bytes after the end of the stream: {rest!r}")
    writer.close()


async def reset(server, tls):
    """TCP connections that are torn down anywhere leave the server up."""
    sound = request(f"127.0.0.1:{server.port}")
    for data in (b"", sound[:40], sound, sound + HELLO[:1],
                 sound + frame(BINARY, b"x" * 5000, declare=MIB),
                 sound + HELLO * 1000):
        _, writer = await connect(server)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.write(data)
        writer.transport.abort()
    reader, writer = await open_socket(server, tls)
    writer.write(HELLO + close_frame())
    await expect_close(reader, 1005, [b"hello"])
    writer.close()


async def slow_reader(server, tls):
    """Who sends and does not read is held back, and loses nothing."""
    reader, writer = await open_socket(server, tls)
    payload = bytes(range(256)) * 256
    sent = frame(BINARY, payload)
    total = 64 * MIB // len(payload)
    written = 0

    async def send():
        nonlocal written
        for _ in range(total):
            writer.write(sent)
            await writer.drain()
            written += 1

    sending = asyncio.create_task(send())
    # asyncio's reader stops reading when its own small buffer is full, so
    # without flow control in the server all would be written soon.
    before = -1
    while written != before:
        before = written
        await asyncio.sleep(0.3)
    if written == total:
        raise Failure(f"the server took all {total * len(payload)} bytes "
                      "from a client that reads nothing")
    for _ in range(total):
        expect((await read_frame(reader))[4], payload, "echo")
    await sending
    writer.write(close_frame(1000))
    await expect_close(reader, 1000, [])
    writer.close()


async def ping_flood(server, tls):
    """Pongs keep their order, and the newest ping is answered (5.5.3)."""
    reader, writer = await open_socket(server, tls)
    count, last = 100000, -1
    writer.write(b"".join(frame(PING, b"%d" % i) for i in range(count)))
    while last != count - 1:
        _, _, opcode, _, payload = await read_frame(reader)
        expect(opcode, PONG, "opcode")
        if int(payload) <= last:
            raise Failure(f"pong {payload!r} after pong {last}")
        last = int(payload)
    writer.write(close_frame(1000))
    await expect_close(reader, 1000, [])
    writer.close()


async def both_close(secure, tls):
    """The client's Close is no answer to the server's: it has another code."""
    async with Server([f"{BIN}/echo_server"], secure) as server:
        reader, writer = await open_socket(server, tls)
        server.terminate()
        first, second = await reader.readexactly(2)
        writer.write(close_frame(4000))
        body = await reader.readexactly(second)
        expect((first, body[:2]), (0x88, b"\x03\xe9"), "server's Close, 1001")
        expect(await reader.read(), b"", "bytes behind the Close")
        expect(await server.stop(), 0, "server's exit status")
        writer.close()


async def run(scheme):
    tls = client_tls() if scheme == "wss" else None

    def case(name, coroutine):
        return check(f"{scheme} bare socket: {name}", coroutine)

    async with Server([f"{BIN}/echo_server"], tls is not None) as server:
        await case("page", page(server, tls))
        for name, data, statuses in REFUSALS:
            await case(f"handshake with {name}",
                       refusal(server, tls, data, statuses))
        await case("all in one segment", all_in_one_segment(server, tls))
        await case("byte by byte", byte_by_byte(server, tls))
        for name, data, codes in VIOLATIONS:
            await case(name, violation(server, tls, data, codes))
            if len(data) < 200:
                await case(f"{name}, byte by byte",
                           violation_in_bytes(server, tls, data, codes))
        for code in GOOD_CODES:
            await case(f"close code {code} is answered alike",
                       close_code(server, tls, code))
        if not tls:  # TLS has no half-closed streams
            await case("a half-closed client", half_closed(server, tls))
            await case("a stream that ends without a Close",
                       ends_without_close(server, tls))
        await case("connections torn down", reset(server, tls))
        await case("a ping flood", ping_flood(server, tls))
        await case("a client that does not read", slow_reader(server, tls))
    await case("both close at once", both_close(tls is not None, tls))


async def main():
    for scheme in sys.argv[1:] or ["ws", "wss"]:
        await check(f"{scheme} bare socket: server starts and ends well",
                    run(scheme), SUITE)
    finish()


asyncio.run(main())
