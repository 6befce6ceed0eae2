# SPDX-License-Identifier: MIT
"""bad_servers.py - our echo_client against servers that break the rules."""

import asyncio

from kit import Failure, brief, check, echo_client, expect, expect_client, finish
from wire import CLOSE, KEY, TEXT, accept, close_frame, frame, read_frame


def answer(key, drop=(), first="HTTP/1.1 101 Switching Protocols", **replace):
    """The head of a sound response, or not."""
    fields = {"Upgrade": "websocket", "Connection": "Upgrade",
              "Sec-WebSocket-Accept": accept(key)}
    fields.update({name.replace("_", "-"): value
                   for name, value in replace.items()})
    lines = [first] + [f"{name}: {value}" for name, value in fields.items()
                       if name not in drop]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


# Handshakes that a client must not fall for: name, response to a key.
BAD_ANSWERS = [
    ("another key's Accept", lambda key: answer(KEY)),
    ("no Accept", lambda key: answer(key, ["Sec-WebSocket-Accept"])),
    ("Accept twice", lambda key: answer(key, X=f"y\r\nSec-WebSocket-Accept: "
                                               f"{accept(key)}")),
    ("Accept in the wrong case", lambda key: answer(
        key, Sec_WebSocket_Accept=accept(key).swapcase())),
    ("no Upgrade", lambda key: answer(key, ["Upgrade"])),
    ("Upgrade: h2c", lambda key: answer(key, Upgrade="h2c")),
    ("Upgrade: websocket2", lambda key: answer(key, Upgrade="websocket2")),
    ("no Connection", lambda key: answer(key, ["Connection"])),
    ("Connection: upgraded", lambda key: answer(key, Connection="upgraded")),
    ("a subprotocol that was not offered",
     lambda key: answer(key, Sec_WebSocket_Protocol="x")),
    ("an extension that was not offered",
     lambda key: answer(key, Sec_WebSocket_Extensions="permessage-deflate")),
    ("HTTP/1.0", lambda key: answer(key, first="HTTP/1.0 101 Yes")),
    ("HTTP/2.0", lambda key: answer(key, first="HTTP/2.0 101 Yes")),
    ("101 in words", lambda key: answer(key, first="HTTP/1.1 one Yes")),
    ("1010", lambda key: answer(key, first="HTTP/1.1 1010 Yes")),
    ("100", lambda key: answer(key, first="HTTP/1.1 100 Continue")),
    ("a folded line", lambda key: answer(key, X="a\r\n b")),
    ("a bare line feed", lambda key: answer(key, X="a\nY: b")),
    ("a space before the colon", lambda key: answer(key, **{"X ": "a"})),
    ("a line without a colon", lambda key: answer(key, X="a\r\nno colon")),
    ("a head without end", lambda key: answer(key)[:-2] + b"X: y\r\n" * 20000),
    ("a line without end", lambda key: answer(key)[:-2] + b"x" * 200000),
    ("half a head", lambda key: answer(key)[:60]),
    ("not HTTP", lambda key: b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    ("nothing", lambda key: b""),
]

GOOD_ANSWERS = [
    ("a plain one", lambda key: answer(key)),
    ("other cases", lambda key: answer(key, Upgrade="WebSocket",
                                       Connection="uPGRADE")),
    ("Connection as a list",
     lambda key: answer(key, Connection="keep-alive, Upgrade")),
    ("no reason phrase", lambda key: answer(key, first="HTTP/1.1 101 ")),
    ("unknown headers", lambda key: answer(key, Server="x", Set_Cookie="a=b")),
]

# Frames that a client must refuse: name, bytes, code of the client's Close.
BAD_FRAMES = [
    ("a masked frame", frame(TEXT, b"Hello"), 1002),
    ("RSV1", frame(TEXT, b"Hello", rsv=4, mask=None), 1002),
    ("opcode 3", frame(3, b"Hello", mask=None), 1002),
    ("opcode F", frame(15, mask=None), 1002),
    ("a length not in its shortest form",
     frame(TEXT, b"Hello", width=2, mask=None), 1002),
    ("a ping of 126 bytes", frame(9, b"x" * 126, mask=None), 1002),
    ("a continuation of nothing", frame(0, b"x", mask=None), 1002),
    ("text that is not UTF-8", frame(TEXT, b"\xff", mask=None), 1007),
    ("16 MiB and a byte, declared",
     frame(2, declare=(16 << 20) + 1, mask=None), 1009),
    ("a Close of one byte", frame(CLOSE, b"\x03", mask=None), 1002),
    ("close code 1006", close_frame(1006, mask=None), 1002),
    ("close reason that is not UTF-8",
     close_frame(1000, b"\xff", mask=None), 1007),
]


class Script:
    """A server of one connection that answers as it is told to.

    greeting  from the client's key, the response to its handshake
    then      called with reader and writer behind that
    """

    def __init__(self, greeting, then):
        self.greeting, self.then = greeting, then
        self.ended = asyncio.get_running_loop().create_future()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.run, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}/"
        return self

    async def __aexit__(self, *error):
        self.server.close()

    async def run(self, reader, writer):
        result = None
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.split(": ", 1)
                          for line in head.split("\r\n")[1:-2])
            self.head = head
            writer.write(self.greeting(fields["Sec-WebSocket-Key"]))
            result = await self.then(reader, writer)
        except Exception as error:  # told to the case that waits for it
            result = error
        writer.close()
        self.ended.set_result(result)

    async def result(self):
        result = await self.ended
        if isinstance(result, Exception):
            raise result
        return result


async def bad_answer(greeting):
    """Behind its bad answer the server is all a client could wish for."""
    async def oblige(reader, writer):
        if not greeting(KEY).endswith(b"\r\n\r\n"):
            writer.write_eof()
        try:
            while True:
                _, _, opcode, _, payload = await read_frame(reader)
                writer.write(frame(opcode, payload, mask=None))
        except asyncio.IncompleteReadError as error:
            expect(error.partial, b"", "what the client sends")

    async with Script(greeting, oblige) as script:
        await expect_client(["--timeout", "3", script.url], 1)
        await script.result()


async def good_answer(greeting):
    async def converse(reader, writer):
        _, _, opcode, was_masked, payload = await read_frame(reader)
        expect((opcode, was_masked, payload), (TEXT, True, b"hello"),
               "the client's message")
        writer.write(frame(TEXT, payload, mask=None))
        _, _, opcode, was_masked, payload = await read_frame(reader)
        expect((opcode, was_masked, payload[:2]), (CLOSE, True, b"\x03\xe8"),
               "the client's Close")
        writer.write(frame(CLOSE, payload, mask=None))
        writer.write_eof()
        expect(await reader.read(), b"", "bytes behind the client's Close")

    async with Script(greeting, converse) as script:
        await expect_client(["--text", "hello", script.url], 0)
        await script.result()


async def bad_frames(data, code):
    async def misbehave(reader, writer):
        await read_frame(reader)
        writer.write(data)
        _, _, opcode, was_masked, payload = await read_frame(reader)
        expect((opcode, was_masked), (CLOSE, True), "the client's frame")
        expect(int.from_bytes(payload[:2], "big"), code, "its close code")
        expect(await reader.read(), b"", "bytes behind the client's Close")

    async with Script(answer, misbehave) as script:
        await expect_client(["--text", "Hello", script.url], 1)
        await script.result()


async def both_close():
    """The server's Close crosses the client's."""
    async def converse(reader, writer):
        _, _, _, _, payload = await read_frame(reader)
        writer.write(frame(TEXT, payload, mask=None) +
                     close_frame(1001, mask=None))
        await read_frame(reader)

    async with Script(answer, converse) as script:
        status, output = await echo_client("--text", "hello", script.url)
        expect(status in (0, 1), True, f"exit status {status} is sound")
        if "1001" not in output:
            raise Failure(f"it does not speak of 1001: {brief(output)}")
        await script.result()


async def different_echo():
    async def converse(reader, writer):
        await read_frame(reader)
        writer.write(frame(TEXT, b"hullo", mask=None))
        await read_frame(reader)
        writer.write(close_frame(1000, mask=None))

    async with Script(answer, converse) as script:
        await expect_client(["--text", "hello", script.url], 1)


async def silent_server():
    async def wait(reader, writer):
        await reader.read()

    async with Script(lambda key: b"", wait) as script:
        await expect_client(["--timeout", "1", script.url], 1)


async def nobody_listens():
    async with Script(answer, None) as script:
        url = script.url
    await expect_client(["--timeout", "3", url], 1)


async def fresh_keys():
    """Handshake keys and masking keys are never the same twice."""
    keys, masks = set(), set()

    async def converse(reader, writer):
        for opcode in (TEXT, CLOSE):
            head = await reader.readexactly(2)
            masks.add(await reader.readexactly(4))
            payload = await reader.readexactly(head[1] & 127)
            del payload
            writer.write(frame(TEXT, b"", mask=None) if opcode == TEXT
                         else close_frame(1000, mask=None))
        writer.write_eof()

    for _ in range(8):
        async with Script(answer, converse) as script:
            await expect_client(["--text", "", script.url], 0)
            await script.result()
            keys.add([line for line in script.head.split("\r\n")
                      if line.startswith("Sec-WebSocket-Key: ")][0])
    expect(len(keys), 8, "different handshake keys in 8 runs")
    expect(len(masks), 16, "different masking keys in 16 frames")


async def main():
    def case(name, coroutine):
        return check(f"bare server: {name}", coroutine)

    for name, greeting in GOOD_ANSWERS:
        await case(f"response with {name}", good_answer(greeting))
    for name, greeting in BAD_ANSWERS:
        await case(f"response with {name}", bad_answer(greeting))
    for name, data, code in BAD_FRAMES:
        await case(name, bad_frames(data, code))
    await case("both close at once", both_close())
    await case("an echo that differs", different_echo())
    await case("a silent server", silent_server())
    await case("nobody listens", nobody_listens())
    await case("fresh keys", fresh_keys())
    finish()


asyncio.run(main())
