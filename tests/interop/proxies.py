# SPDX-License-Identifier: MIT
"""proxies.py - nginx and HAProxy in front of two processes of our chat server.

The configurations are those of examples/proxy; only addresses, the certificate
and, where a case says so, a time are put into them. Clients are Python's
websockets and our reconnect_client.
"""

import asyncio
import os
import pathlib
import re
import signal
import socket
import ssl
import urllib.error
import urllib.request

import websockets

import kit
from kit import BIN, CASE, CERTS, Failure, Server, check, expect

HERE = pathlib.Path(__file__).resolve().parent
SHIPPED = HERE.parent.parent / "examples" / "proxy"
WORK = pathlib.Path(os.environ.get("INTEROP_WORK", "build/interop"))
NAME = "chat.example"
LONG = "86400000"  # ms: it does not come to that
LARGE = 1 << 20


# ---- Proxies ----------------------------------------------------------------

def put(text, old, new):
    """What is shipped must be what is tested."""
    if old not in text:
        raise Failure(f"the configuration does not say {old!r}")
    return text.replace(old, new)


class Proxy:
    """`async with Nginx([server...]) as proxy`; proxy.port speaks TLS.

    `changes` are further pairs of what is said and what is said instead.
    """

    def __init__(self, backends, *changes):
        self.backends = backends
        self.changes = changes

    async def __aenter__(self):
        # Bound, and not listening: the port is ours, and theirs to listen on.
        self.reserve = socket.socket()
        self.reserve.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserve.bind(("127.0.0.1", 0))
        self.port = self.reserve.getsockname()[1]
        text = (SHIPPED / self.file).read_text()
        for old, new in self.changes:
            text = put(text, old, new)
        for shipped, server in zip((9001, 9002), self.backends):
            text = put(text, f" 127.0.0.1:{shipped}",
                       f" 127.0.0.1:{server.port}")
        self.work = WORK / self.name
        self.work.mkdir(parents=True, exist_ok=True)
        self.process = await asyncio.create_subprocess_exec(
            *self.command(text), stdin=asyncio.subprocess.DEVNULL)
        kit.running.add(self.process)
        await asyncio.wait_for(self.listens(), CASE)
        return self

    async def listens(self):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1",
                                                          self.port)
                writer.close()
                return
            except OSError:
                if self.process.returncode is not None:
                    raise Failure(f"{self.name} has ended")
                await asyncio.sleep(0.02)

    async def kill(self):
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        kit.running.discard(self.process)

    async def __aexit__(self, *_):
        await self.kill()
        self.reserve.close()


class Nginx(Proxy):
    name = "nginx"
    file = "nginx.conf"
    program = os.environ.get("INTEROP_NGINX", "nginx")
    idle = "75s"

    def command(self, text):
        text = put(text, "listen 443 ", f"listen 127.0.0.1:{self.port} ")
        text = put(text, f"/etc/ssl/{NAME}", f"{CERTS}/server")
        (self.work / "site.conf").write_text(text)
        temporary = "".join(f"    {what}_temp_path {self.work}/temp;\n"
                            for what in ("client_body", "proxy", "fastcgi",
                                         "uwsgi", "scgi"))
        # One process: nothing is left when it is killed.
        (self.work / "nginx.conf").write_text(
            "daemon off;\nmaster_process off;\n"
            f"pid {self.work}/pid;\nevents {{ }}\nhttp {{\n"
            f"    access_log off;\n{temporary}    include site.conf;\n}}\n")
        log = self.work / "error.log"
        log.write_text("")
        return [self.program, "-p", str(self.work), "-e", str(log),
                "-c", str(self.work / "nginx.conf")]


class Haproxy(Proxy):
    name = "haproxy"
    file = "haproxy.cfg"
    program = os.environ.get("INTEROP_HAPROXY", "haproxy")
    idle = "tunnel          75s"

    def command(self, text):
        pem = self.work / "server.pem"
        pem.write_text(pathlib.Path(CERTS, "server.pem").read_text() +
                       pathlib.Path(CERTS, "server.key").read_text())
        self.admin = self.work / "admin.sock"
        text = put(text, "bind :443 ", f"bind 127.0.0.1:{self.port} ")
        text = put(text, f"/etc/haproxy/{NAME}.pem", str(pem))
        text = put(text, "/run/haproxy/admin.sock", str(self.admin))
        file = self.work / "haproxy.cfg"
        file.write_text(text)
        return [self.program, "-q", "-db", "-f", str(file)]

    async def down(self, server):
        """Until its health check has failed."""
        while True:
            reader, writer = await asyncio.open_unix_connection(self.admin)
            writer.write(b"show stat\n")
            state = (await reader.read()).decode()
            writer.close()
            if re.search(rf"^chat,{server},.*,DOWN,", state, re.M):
                return
            await asyncio.sleep(0.05)


# ---- Servers and clients ----------------------------------------------------

def chat(name, *options):
    """Who asks for the subprotocols one and two learns which of them it is."""
    return Server([f"{BIN}/broadcast_server", "--host-name", NAME,
                   "--subprotocol", name, *options])


def tls():
    return ssl.create_default_context(cafile=f"{CERTS}/ca.pem")


def connect(proxy, host=NAME, origin=f"https://{NAME}"):
    return websockets.connect(
        f"wss://{host}/", host="127.0.0.1", port=proxy.port, ssl=tls(),
        server_hostname="localhost", origin=origin, max_size=2 * LARGE,
        subprotocols=["one", "two"], ping_interval=None, open_timeout=CASE,
        close_timeout=CASE, max_queue=None)


async def says(client, text="well?"):
    """What it says comes back to it."""
    await client.send(text)
    while True:
        got = await client.recv()
        if got.startswith("said ") and got.split("\n", 1)[1] == text:
            return


async def close_code(client):
    try:
        while True:
            await client.recv()
    except websockets.ConnectionClosed:
        return client.close_code


async def many(proxy, count):
    """One after the other, so that each process has its part."""
    clients = [await connect(proxy) for _ in range(count)]
    if {c.subprotocol for c in clients} != {"one", "two"}:
        raise Failure("all clients are at one process")
    return clients


async def end(*clients):
    await asyncio.gather(*(c.close() for c in clients))


# ---- Cases ------------------------------------------------------------------

async def talk(kind):
    big = "--max-message", str(LARGE), "--max-queued", str(4 * LARGE)
    async with chat("one", *big) as one, chat("two", *big) as two, \
            kind([one, two]) as proxy:
        client = await connect(proxy)
        await says(client)
        await says(client, "Grüße ✓ " * (LARGE // 16))
        await says(client, "x" * LARGE)
        await client.close()
        expect(client.close_code, 1000, "close code")


def get(port, path):
    """A browser's request; its status, and the answer's text and fields."""
    request = urllib.request.Request(f"https://localhost:{port}{path}",
                                     headers={"Host": f"{NAME}:{port}"})
    try:
        with urllib.request.urlopen(request, context=tls()) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


async def page(kind):
    async with chat("one") as one, chat("two") as two, \
            kind([one, two]) as proxy:
        status, text, fields = await asyncio.to_thread(get, proxy.port, "/")
        expect(status, 200, "status of the page")
        if "<html" not in text:
            raise Failure("the page is none")
        if f"wss://{NAME}:{proxy.port}" not in fields[
                "Content-Security-Policy"]:
            raise Failure("the page may not connect to where it comes from")
        status, _, _ = await asyncio.to_thread(get, proxy.port, "/nothing")
        expect(status, 404, "status of no page")


async def refused(proxy, **how):
    try:
        client = await connect(proxy, **how)
    except websockets.InvalidStatusCode as error:
        return error.status_code
    await client.close()
    return 101


async def host_and_origin(kind):
    async with chat("one") as one, chat("two") as two, \
            kind([one, two]) as proxy:
        expect(await refused(proxy), 101, "a page of our own")
        expect(await refused(proxy, host=f"{NAME}:8443",
                             origin=f"https://{NAME}:8443"), 101,
               "a page of our own, at another port")
        expect(await refused(proxy, origin=None), 101, "no page")
        expect(await refused(proxy, host="evil.example",
                             origin="https://evil.example"), 421,
               "another Host")
        expect(await refused(proxy, origin="https://evil.example"), 403,
               "another Origin")
        expect(await refused(proxy, origin=f"https://{NAME}:8443"), 403,
               "another port's Origin")


async def is_kept(kind, seconds):
    """Whether a quiet connection outlives twice the time the proxy allows."""
    short = kind.idle, kind.idle.replace("75s", f"{seconds}s")
    ping = "--ping-interval"
    async with chat("one", ping, "300") as one, \
            chat("two", ping, "300") as two, kind([one, two], short) as proxy:
        client = await connect(proxy)
        try:
            await client.recv()  # who is here
            await asyncio.wait_for(client.recv(), 2 * seconds + 1)
            raise Failure("it is not quiet")
        except asyncio.TimeoutError:
            pass
        except websockets.ConnectionClosed:
            return False
        await says(client)
        await client.close()
        return True


async def quiet(kind):
    """Longer than the proxy allows; and without pings it does not allow it.

    A busy machine may let a ping come too late. Then the proxy allows more.
    """
    for seconds in 2, 4, 8, 16:
        if await is_kept(kind, seconds):
            break
    else:
        raise Failure("pings do not keep a quiet connection")
    short = kind.idle, kind.idle.replace("75s", "2s")
    ping = "--ping-interval"
    async with chat("one", ping, "0") as one, chat("two", ping, "0") as two, \
            kind([one, two], short) as proxy:
        client = await connect(proxy)
        expect(await close_code(client), 1006, "close code without pings")


async def one_drains(kind):
    """Nobody is told, and nobody is sent there any more."""
    notice = "--drain-notice", LONG
    async with chat("one", *notice) as one, chat("two", *notice) as two, \
            kind([one, two]) as proxy:
        clients = await many(proxy, 6)
        one.terminate()
        await proxy.down("one")
        new = [await connect(proxy) for _ in range(6)]
        expect({c.subprotocol for c in new}, {"two"}, "where newcomers are")
        for client in clients + new:
            await says(client)
        one.terminate()
        for client in clients:
            if client.subprotocol == "one":
                expect(await close_code(client), 1001, "close code")
        expect(await one.process.wait(), 0, "exit status")
        await end(*clients, *new)
        two.terminate()


async def newcomers(kind):
    """Its 503 are not seen, though no health check has failed yet."""
    async with chat("one", "--drain", LONG) as one, chat("two") as two, \
            kind([one, two], *kind.no_check) as proxy:
        clients = await many(proxy, 8)
        one.terminate()
        for client in reversed(clients):  # the first is told at once
            if client.subprotocol == "one":
                expect(await close_code(client), 1001, "close code")
                break
        new = [await connect(proxy) for _ in range(8)]
        expect({c.subprotocol for c in new}, {"two"}, "where newcomers are")
        one.terminate()
        expect(await one.process.wait(), 0, "exit status")
        await end(*clients, *new)


async def come_back(proxy, client, order):
    expect(await close_code(client), 1001, "close code")
    order.append("told")
    client = await connect(proxy)  # at once: what it does not get is a failure
    expect(client.subprotocol, "two", "where it comes back to")
    order.append("back")
    await says(client)
    return client


async def moves(kind, drain):
    """Whether the first one was back before the last one was told."""
    async with chat("one", "--drain", str(drain)) as one, chat("two") as two, \
            kind([one, two]) as proxy:
        clients = await many(proxy, 40)
        order = []
        one.terminate()
        moved = await asyncio.gather(
            *(come_back(proxy, c, order) for c in clients
              if c.subprotocol == "one"))
        expect(len(moved), 20, "clients that have moved")
        last = len(order) - order[::-1].index("told")
        expect(await one.process.wait(), 0, "exit status")
        stayed = [c for c in clients if c.subprotocol == "two"]
        for client in stayed:
            await says(client)
        await end(*moved, *stayed)
        return "back" in order[:last]


async def all_move(kind):
    """A busy machine may need longer to come back than all are told in."""
    for drain in 3000, 6000, 12000, 24000:
        if await moves(kind, drain):
            return
    raise Failure("all were told before the first one was back")


class Ours:
    """reconnect_client; what has happened to it: "open", "lost: code 1001"."""

    async def start(self, proxy):
        self.process = await asyncio.create_subprocess_exec(
            f"{BIN}/reconnect_client", f"wss://localhost:{proxy.port}/",
            "--ca", f"{CERTS}/ca.pem", "--base", "300",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE)
        kit.running.add(self.process)
        self.past = []
        self.reading = asyncio.create_task(self.read())
        while "open" not in self.past:
            await asyncio.sleep(0.02)
        return self

    async def read(self):
        async for line in self.process.stdout:
            if line.startswith((b"open", b"lost")):
                self.past.append(line.decode().split(" (")[0].rstrip())

    async def stop(self):
        os.kill(self.process.pid, signal.SIGTERM)
        await self.process.wait()
        kit.running.discard(self.process)


async def ours_move(kind):
    """Those that one had come back; those of two hear nothing."""
    async with chat("one", "--drain", "500") as one, chat("two") as two, \
            kind([one, two]) as proxy:
        clients = [await Ours().start(proxy) for _ in range(4)]
        one.terminate()
        expect(await one.process.wait(), 0, "exit status")
        while sum(len(c.past) == 3 for c in clients) < 2:
            await asyncio.sleep(0.02)
        expect(sorted(c.past for c in clients),
               2 * [["open"]] + 2 * [["open", "lost: code 1001", "open"]],
               "what has happened")
        await asyncio.gather(*(c.stop() for c in clients))


async def one_is_killed(kind):
    async with chat("one") as one, chat("two") as two, \
            kind([one, two]) as proxy:
        clients = await many(proxy, 6)
        await one.kill()
        for client in clients:
            if client.subprotocol == "one":
                expect(await close_code(client), 1006, "close code")
                again = await connect(proxy)
                expect(again.subprotocol, "two", "where it comes back to")
                await says(again)
                await again.close()
            else:
                await says(client)
        await two.kill()
        expect(await refused(proxy), kind.nobody, "status without a server")


async def proxy_is_killed(kind):
    async with chat("one") as one, chat("two") as two, \
            kind([one, two]) as proxy:
        clients = await many(proxy, 6)
        await proxy.kill()
        for client in clients:
            expect(await close_code(client), 1006, "close code")


Nginx.no_check, Nginx.nobody = (), 502
Haproxy.no_check, Haproxy.nobody = (("inter 1s", "inter 1h"),), 503


async def main():
    for kind in Nginx, Haproxy:
        def test(name, case):
            return check(f"{kind.name}: {name}", case(kind), 3 * CASE)
        await test("messages, large ones too", talk)
        await test("the page, over https", page)
        await test("Host and Origin are passed on", host_and_origin)
        await test("pings keep a quiet connection", quiet)
        if kind is Haproxy:
            await test("the health check sees that one drains", one_drains)
        await test("newcomers do not see that one drains", newcomers)
        await test("clients move, one after the other", all_move)
        await test("reconnect_client moves", ours_move)
        await test("a process is killed", one_is_killed)
        await test("the proxy is killed", proxy_is_killed)
    kit.finish()


asyncio.run(main())
