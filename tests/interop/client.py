# SPDX-License-Identifier: MIT
"""client.py - Python's websockets as a client of our servers."""

import asyncio
import logging
import sys

import websockets

from kit import (BIN, CASE, SUITE, Failure, Server, check, client_tls, expect,
                 finish)

MIB = 1 << 20
EVERY_WIDTH = "a\u00e9\u20ac\U0001f600\x00\x7f\ufffd\U0010ffff"
CLIENTS = 500
COUNT = 1000  # 32 MiB in all: more than the kernel keeps for a client


def connect(server, **options):
    options.setdefault("ping_interval", None)
    options.setdefault("open_timeout", CASE)
    options.setdefault("close_timeout", CASE)
    options.setdefault("max_size", 32 * MIB)
    if server.url.startswith("wss:"):
        options.setdefault("ssl", client_tls())
    return websockets.connect(options.pop("url", server.url), **options)


async def echoes(server, *messages):
    async with connect(server) as ws:
        for message in messages:
            await ws.send(message)
            expect(await ws.recv(), message, "echo")


async def fragments(server, pieces):
    async with connect(server) as ws:
        await ws.send(pieces)
        expect(await ws.recv(), pieces[0][:0].join(pieces), "echo")


async def many_at_once(server):
    """A hundred messages are under way before the first echo is read."""
    messages = [("x" if i % 2 else b"y") * (i * i * 3) for i in range(100)]
    async with connect(server) as ws:
        sending = asyncio.create_task(send_all(ws, messages))
        for message in messages:
            expect(await ws.recv(), message, "echo, in order")
        await sending


async def send_all(ws, messages):
    for message in messages:
        await ws.send(message)


async def ping(server, payload):
    async with connect(server) as ws:
        await (await ws.ping(payload))


class PingWatch(logging.Handler):
    """websockets answers pings silently, but its debug log tells of them."""

    def __init__(self):
        super().__init__()
        self.seen = asyncio.Event()

    def emit(self, record):
        if record.getMessage().startswith("< PING"):
            self.seen.set()


async def server_pings(secure):
    """A silent client is pinged, and lives on because it answers."""
    watch = PingWatch()
    logger = logging.Logger("interop", logging.DEBUG)
    logger.addHandler(watch)
    command = [f"{BIN}/echo_server", "--ping-interval", "100"]
    async with Server(command, secure) as server:
        async with connect(server, logger=logger) as ws:
            for _ in range(3):
                await watch.seen.wait()
                watch.seen.clear()
            await ws.send("still here")
            expect(await ws.recv(), "still here", "echo")


async def subprotocol(server, offered, chosen):
    async with connect(server, subprotocols=offered) as ws:
        expect(ws.subprotocol, chosen, "subprotocol")
        await ws.send("hello")
        expect(await ws.recv(), "hello", "echo")


async def no_compression(server):
    async with connect(server, compression="deflate") as ws:
        if "permessage-deflate" not in ws.request_headers.get(
                "Sec-WebSocket-Extensions", ""):
            raise Failure("the client did not offer permessage-deflate")
        expect(ws.response_headers.get("Sec-WebSocket-Extensions"), None,
               "the server's Sec-WebSocket-Extensions")
        await ws.send("a" * 10000)
        expect(await ws.recv(), "a" * 10000, "echo")


async def client_closes(server, code, reason):
    ws = await connect(server)
    await ws.send("hello")
    expect(await ws.recv(), "hello", "echo")
    await ws.close(code, reason)
    expect(ws.close_rcvd and ws.close_rcvd.code, code, "the server's Close")


async def close_overtakes_nothing(server):
    """What was sent before the Close is still echoed before its answer."""
    ws = await connect(server)
    for i in range(20):
        await ws.send(f"message {i}")
    closing = asyncio.create_task(ws.close(1000, "that is all"))
    got = [message async for message in ws]
    await closing
    expect(got, [f"message {i}" for i in range(20)], "echoes before the Close")
    expect(ws.close_code, 1000, "close code")


async def refused(server, status, **options):
    try:
        async with connect(server, **options):
            raise Failure("the handshake was accepted")
    except websockets.InvalidStatusCode as error:
        expect(error.status_code, status, "HTTP status")


async def echoes_from(server, origin):
    async with connect(server, origin=origin) as ws:
        await ws.send("hello")
        expect(await ws.recv(), "hello", "echo")


async def crowd(server):
    """All of them are open at the same time, and all are served."""
    gate = asyncio.Semaphore(50)  # handshakes under way
    opened, all_open = [], asyncio.Event()

    async def one(number):
        async with gate:
            ws = await connect(server)
        opened.append(number)
        if len(opened) == CLIENTS:
            all_open.set()
        await all_open.wait()
        await ws.send(f"client {number}")
        expect(await ws.recv(), f"client {number}", "echo")
        await ws.close()
        expect(ws.close_code, 1000, "close code")

    await asyncio.gather(*(one(number) for number in range(CLIENTS)))


async def server_stops(secure):
    """SIGTERM: all clients see 1001, and the server ends with status 0."""
    async with Server([f"{BIN}/echo_server"], secure) as server:
        clients = [await connect(server) for _ in range(3)]
        server.terminate()
        for ws in clients:
            try:
                await ws.recv()
                raise Failure("a message in place of the Close")
            except websockets.ConnectionClosed:
                expect(ws.close_code, 1001, "close code")
        expect(await server.stop(), 0, "server's exit status")


async def slow_listener(secure):
    """One who does not read is cut off; the others hear everything."""
    async with Server([f"{BIN}/broadcast_server"], secure) as server:
        async with connect(server, max_queue=1, read_limit=1024) as slow, \
                connect(server) as quick, connect(server) as talker:
            for i in range(COUNT):
                text = chr(ord("a") + i % 26) * 32768
                await talker.send(text)
                for ws in quick, talker:
                    while not (got := await ws.recv()).startswith("said "):
                        pass  # who comes and who goes
                    expect(got.partition("\n")[2], text, "what was said")
            heard = 0
            try:
                async for got in slow:
                    heard += got.startswith("said ")
            except websockets.ConnectionClosed:
                pass
            if not 0 < heard < COUNT:
                raise Failure(f"the slow listener heard {heard} of {COUNT}")


async def run(scheme):
    def case(name, coroutine):
        return check(f"{scheme} websockets client: {name}", coroutine)

    secure = scheme == "wss"
    async with Server([f"{BIN}/echo_server"], secure) as server:
        await case("text", echoes(server, "hello", EVERY_WIDTH))
        await case("binary", echoes(server, bytes(range(256))))
        await case("empty text", echoes(server, ""))
        await case("empty binary", echoes(server, b""))
        for size in (125, 126, 65535, 65536):
            await case(f"{size} bytes", echoes(server, "t" * size, b"b" * size))
        await case("1 MiB of text", echoes(server, "\u20acx" * (MIB // 4)))
        await case("1 MiB of binary", echoes(server, bytes(range(256)) * 4096))
        await case("text in fragments, one of them empty",
                   fragments(server, ["Gr\u00fc", "", "\u00dfe", "!"]))
        await case("binary in 1000 fragments",
                   fragments(server, [bytes([i % 256]) for i in range(1000)]))
        await case("1 MiB in 16 fragments",
                   fragments(server, [b"\xff\x00" * 32768] * 16))
        await case("a hundred messages under way", many_at_once(server))
        await case("ping", ping(server, b"payload"))
        await case("ping of 125 bytes", ping(server, bytes(range(125))))
        await case("empty ping", ping(server, b""))
        await case("no subprotocol is ours", subprotocol(server, ["x"], None))
        await case("permessage-deflate is declined", no_compression(server))
        await case("client closes with 1000",
                   client_closes(server, 1000, "good bye"))
        await case("client closes with 4999",
                   client_closes(server, 4999, "\u20ac" * 41))
        await case("client closes behind messages",
                   close_overtakes_nothing(server))
        await case("a foreign origin is refused",
                   refused(server, 403, origin="https://evil.example"))
        own = server.url.replace("ws", "http", 1).rstrip("/")
        await case("its own origin is accepted", echoes_from(server, own))
        await case(f"{CLIENTS} clients at once", crowd(server))
        await case("text after the crowd", echoes(server, "hello"))

    options = ["--subprotocol", "echo.v1", "--origin", "https://app.example"]
    async with Server([f"{BIN}/echo_server"] + options, secure) as server:
        await case("the subprotocol is chosen",
                   subprotocol(server, ["x", "echo.v1"], "echo.v1"))
        await case("another subprotocol is not",
                   subprotocol(server, ["ECHO.V1", "echo"], None))
        await case("no subprotocol is offered",
                   subprotocol(server, None, None))
        await case("a listed origin is accepted",
                   echoes_from(server, "https://app.example"))
        await case("an origin not listed is refused",
                   refused(server, 403, origin="https://app.example:8443"))

    await case("server pings client", server_pings(secure))
    await case("server closes", server_stops(secure))
    await case("a slow listener of broadcast_server", slow_listener(secure))


async def main():
    for scheme in sys.argv[1:] or ["ws", "wss"]:
        await check(f"{scheme} websockets client: servers start and end well",
                    run(scheme), SUITE)
    finish()


asyncio.run(main())
