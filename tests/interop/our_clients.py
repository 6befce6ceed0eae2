# SPDX-License-Identifier: MIT
"""our_clients.py - echo_client and reconnect_client against other servers."""

import asyncio
import os
import signal
import sys

from kit import (BIN, CERTS, HERE, SUITE, Failure, Server, check, expect,
                 expect_client, finish, running)

NODE = os.environ.get("INTEROP_NODE", "node")
SERVERS = {"websockets": [sys.executable, "-B", f"{HERE}/server.py"],
           "ws": [NODE, f"{HERE}/server.mjs", "--origin", "http://here.example"]}
MIB = 1 << 20


class Peer:
    """One server, and how our client reaches it."""

    def __init__(self, server):
        self.server = server

    async def talk(self, *arguments, path="", status=0, words=(), closed=1000):
        """Run our client; `closed` is the close code that the server saw,
        None if there is no connection. Returns how that began."""
        if self.server.url.startswith("wss:"):
            arguments = ("--ca", f"{CERTS}/ca.pem", *arguments)
        try:
            await expect_client([*arguments, self.server.url + path], status,
                                *words)
        finally:
            if closed is not None:
                opened = await self.server.lines.get()
                got = await self.server.lines.get()
        if closed is not None:
            expect(got, f"closed {closed}", "what the server saw")
            return opened

    async def headers(self):
        opened = await self.talk("--origin", "http://here.example",
                                 "--header", "X-Interop: yes", path="a?b=c")
        expect(opened, "opened /a?b=c http://here.example yes",
               "what the server saw")


async def run_with(library, secure):
    scheme = "wss" if secure else "ws"

    def case(name, coroutine):
        return check(f"{scheme} {library} server: {name}", coroutine)

    async with Server(SERVERS[library], secure) as server:
        talk = Peer(server).talk
        await case("text", talk("--text", "hello"))
        await case("text of every width",
                   talk("--text", "a\u00e9\u20ac\U0001f600\ufffd\U0010ffff"))
        await case("binary", talk("--binary", bytes(range(256)).hex()))
        await case("empty text", talk("--text", ""))
        await case("empty binary", talk("--binary", ""))
        for size in (125, 126, 65535, 65536, MIB):
            await case(f"{size} bytes of binary", talk("--size", str(size)))
        await case("100,000 bytes of text", talk("--text", "x" * 100000))
        await case("several", talk("--text", "a", "--binary", "00ff", "--ping",
                                   "--text", "b"))
        await case("ping", talk("--ping"))
        await case("text in fragments",
                   talk("--fragments", "7", "--text", "in seven parts"))
        await case("text in fragments that cut a code point",
                   talk("--fragments", "8", "--text", "\U0001f600\U0001f601"))
        await case("1 MiB in 1000 fragments",
                   talk("--fragments", "1000", "--size", str(MIB)))
        await case("more fragments than bytes",
                   talk("--fragments", "9", "--text", "tiny"))
        await case("server's fragments",
                   talk("--text", "in three parts", "--size", "300000",
                        path="fragments"))
        await case("server pings", talk("--text", "hello", path="ping"))
        await case("client closes with 3456",
                   talk("--close", "3456", closed=3456))
        await case("client closes without a code",
                   talk("--close", "0", closed=1005))
        await case("headers and origin", Peer(server).headers())
        await case("server closes with 4321",
                   talk("--text", "x", path="close/4321", status=1,
                        words=["4321", "so long"], closed=4321))
        await case("server closes with 1011",
                   talk("--text", "x", path="close/1011", status=1,
                        words=["1011", "so long"], closed=1011))
        await case("server is lost",
                   talk("--text", "x", path="lost", status=1, words=["1006"],
                        closed=1006))
        for status in (401, 503, 302, 200):
            await case(f"refused with {status}",
                       talk(path=f"status/{status}", status=1,
                            words=[str(status)], closed=None))
        await case("a subprotocol that the server does not know",
                   talk("--subprotocol", "x", "--text", "hello"))

    async with Server(SERVERS[library] + ["--subprotocol", "echo.v1"],
                      secure) as server:
        talk = Peer(server).talk
        await case("a subprotocol",
                   talk("--subprotocol", "x", "--subprotocol", "echo.v1",
                        words=["echo.v1"]))


async def run_tls():
    def case(name, *rest):
        return check(f"wss trust: {name}", expect_client(*rest))

    ca, stranger = f"{CERTS}/ca.pem", f"{CERTS}/stranger.pem"
    command = next(iter(SERVERS.values()))
    async with Server(command, secure=True) as server:
        url, name = server.url, server.url.replace("127.0.0.1", "localhost")
        await case("by address", ["--ca", ca, url], 0)
        await case("by name", ["--ca", ca, name], 0)
        await case("a stranger's CA", ["--ca", stranger, url], 1, "TLS failed")
        await case("the system's CAs", [url], 1, "TLS failed")
        await case("ws:// to a TLS port",
                   ["--timeout", "3", url.replace("wss:", "ws:")], 1)
    async with Server(command + [
            "--tls-cert", f"{CERTS}/elsewhere.pem",
            "--tls-key", f"{CERTS}/elsewhere.key"]) as server:
        await case("a certificate for another host",
                   ["--ca", ca, server.url], 1, "TLS failed")


class Reconnecting:
    """reconnect_client, whose lines are read as they come."""

    def __init__(self, url):
        self.url = url

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            f"{BIN}/reconnect_client", "--base", "50", "--cap", "200",
            "--send", "hello", self.url, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
        running.add(self.process)
        return self

    async def __aexit__(self, *error):
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        running.discard(self.process)

    async def says(self, *words):
        """Read on to a line that has all of these words."""
        async for line in self.process.stdout:
            if all(word in line.decode() for word in words):
                return
        raise Failure(f"it ended without saying {words}")

    async def stop(self):
        os.kill(self.process.pid, signal.SIGTERM)
        expect(await self.process.wait(), 0, "client's exit status")


async def server_restarts(command):
    async with Server(command) as server:
        async with Reconnecting(server.url) as client:
            await client.says("message", "hello")
            expect(await server.stop(), 0, "server's exit status")
            await client.says("lost", "1001")
            await client.says("lost", "1006")  # nobody listens: it tries on
            async with Server(command, port=server.port) as again:
                await client.says("message", "hello")
                await client.stop()
                await again.lines.get()
                expect(await again.lines.get(), "closed 1001",
                       "what the server saw")


async def server_drops(command):
    """Each connection is lost at its first message, and followed by another."""
    async with Server(command) as server:
        async with Reconnecting(server.url + "lost") as client:
            for _ in range(4):
                await client.says("lost", "1006")
            await client.stop()


async def run_reconnecting():
    for library, command in SERVERS.items():
        await check(f"reconnect_client: {library} server restarts",
                    server_restarts(command))
        await check(f"reconnect_client: {library} server drops connections",
                    server_drops(command))


async def main():
    for library in SERVERS:
        for secure in (False, True):
            await check(f"{library} server starts and ends well",
                        run_with(library, secure), SUITE)
    await check("TLS servers start and end well", run_tls(), SUITE)
    await run_reconnecting()
    finish()


asyncio.run(main())
