# SPDX-License-Identifier: MIT
"""wire.py - RFC 6455 by hand, so that it can be broken on purpose."""

import asyncio
import base64
import hashlib
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the RFC's own, section 1.3
MASK = b"\x37\xfa\x21\x3d"


def accept(key):
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    return base64.b64encode(digest.digest()).decode()


def masked(payload, key):
    repeated = key * (len(payload) // 4 + 1)
    whole = int.from_bytes(payload, "big")
    stream = int.from_bytes(repeated[: len(payload)], "big")
    return (whole ^ stream).to_bytes(len(payload), "big")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=MASK, declare=None,
          width=None):
    """One frame; `mask` None leaves it unmasked.

    declare  a payload length to declare in place of the true one
    width    bytes of extended length (0, 2, 8) in place of the shortest
    """
    length = len(payload) if declare is None else declare
    if width is None:
        width = 0 if length < 126 else 2 if length < 65536 else 8
    code = {0: length, 2: 126, 8: 127}[width]
    head = bytes([fin << 7 | rsv << 4 | opcode, (mask is not None) << 7 | code])
    if width:
        head += struct.pack("!H" if width == 2 else "!Q", length)
    if mask is None:
        return head + payload
    return head + mask + masked(payload, mask)


def close_frame(code=None, reason=b"", **how):
    body = b"" if code is None else struct.pack("!H", code) + reason
    return frame(CLOSE, body, **how)


async def read_frame(reader):
    """(fin, rsv, opcode, was masked, payload) of the next frame."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack("!Q", await reader.readexactly(8))
    key = await reader.readexactly(4) if second & 0x80 else None
    payload = await reader.readexactly(length)
    if key:
        payload = masked(payload, key)
    return first >> 7, first >> 4 & 7, first & 15, key is not None, payload


def request(host, target="/", headers=(), drop=()):
    """A sound opening handshake; `headers` replace or follow, `drop` omits."""
    fields = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade",
              "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}
    fields.update(headers)
    lines = [f"GET {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items()
              if name not in drop]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_head(reader):
    """(status, {lower-case name: [values]}) of an HTTP response head."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head[:-4].split("\r\n")
    fields = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.lower(), []).append(value.strip())
    return int(first.split()[1]), fields


async def connect(server, tls=None):
    return await asyncio.open_connection(
        "127.0.0.1", server.port, ssl=tls,
        server_hostname="127.0.0.1" if tls else None)


async def open_socket(server, tls=None, **how):
    """A connection whose opening handshake is done."""
    reader, writer = await connect(server, tls)
    writer.write(request(f"127.0.0.1:{server.port}", **how))
    status, fields = await read_head(reader)
    if status != 101 or fields.get("sec-websocket-accept") != [accept(KEY)]:
        raise ConnectionError(f"handshake answered {status} {fields}")
    return reader, writer
