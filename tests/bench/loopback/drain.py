#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""drain.py - clients move from one notify_server to another behind HAProxy.

1,000 clients follow a topic through HAProxy (examples/proxy/haproxy.cfg, over
TLS), all at one process; another one is up, and takes the same events. The
first gets SIGTERM while events go on. What is published is numbered; an event
counts as acknowledged when every process that was up has answered its POST with
200. A client comes back after a random wait, as upf_backoff_lost() says it,
with the last id it saw: that is of another run of the server, so the second
process sends what its history has, and the client leaves out the numbers that
it knows.

Printed for each way to stop: what was missed or came twice; failed attempts to
come back; the most that came back in one tenth of a second, which is what the
other process and the proxy have to stand; how long a client was away. At the
end, the proxy's resident memory for each client.

    python3 tests/bench/loopback/drain.py [--clients N] [--rate N] [--help]
"""

import argparse
import asyncio
import base64
import collections
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build")
SERVER = os.path.join(BUILD, "examples", "notify_server")
CONFIG = (pathlib.Path(__file__).resolve().parents[3] / "examples" / "proxy" /
          "haproxy.cfg")
TOKEN = "0123456789abcdef0123456789abcdef"
PATH = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"

Way = collections.namedtuple("Way", "name notice drain base")
WAYS = [Way("all are told at once, and come back at once", 0, 0, 0),
        Way("all are told at once; first wait up to 5 s", 0, 0, 5000),
        Way("--drain-notice 3000 --drain 10000; up to 1 s", 3000, 10000, 1000)]


class Run:
    """What all clients of one run share."""

    def __init__(self, way, port, tls):
        self.way, self.port, self.tls = way, port, tls
        self.everyone = []
        self.codes = collections.Counter()
        self.failed = 0   # attempts to come back
        self.missed = 0
        self.known = 0    # events that came again from the history
        self.back = []    # when
        self.away = []    # for how long


class Client(asyncio.Protocol):
    """One connection after the other, and the last event it has seen."""

    def __init__(self, run):
        self.run = run
        self.id = "-"
        self.number = 0  # of the publisher
        self.told = None
        self.tries = 0
        self.is_open = asyncio.Event()

    async def connect(self):
        self.data = b""
        self.upgraded = False
        self.transport = None
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self, "127.0.0.1", self.run.port, ssl=self.run.tls,
                server_hostname="localhost")
        except OSError:
            await self.wait()

    async def wait(self):
        """As upf_backoff_lost()."""
        if self.told is None:
            self.told = time.monotonic()
        if self.tries > 0:
            self.run.failed += 1
        longest = min(120000, self.run.way.base * 2 ** self.tries)
        self.tries += 1
        await asyncio.sleep(random.uniform(0, longest) / 1000)
        await self.connect()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) +
            b"\r\n\r\n")

    def connection_lost(self, _):
        self.is_open.clear()
        if not self.run.over:
            self.run.tasks.append(asyncio.create_task(self.wait()))

    def send(self, opcode, payload):
        self.transport.write(bytes([0x80 | opcode, 0x80 | len(payload)]) +
                             bytes(4) + payload)  # the mask is zero

    def data_received(self, data):
        self.data += data
        if not self.upgraded:
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if not end or not head.startswith(b"HTTP/1.1 101 "):
                return  # refused: its end is near
            self.data, self.upgraded = rest, True
            self.opened()
        while len(self.data) >= 2:
            at, length = 2, self.data[1]
            if length == 126:
                at, length = 4, int.from_bytes(self.data[2:4], "big")
            if len(self.data) < at + length:
                return
            opcode, payload = self.data[0] & 15, self.data[at:at + length]
            self.data = self.data[at + length:]
            self.hear(opcode, payload)

    def opened(self):
        now = time.monotonic()
        if self.told is not None:
            self.run.back.append(now)
            self.run.away.append(now - self.told)
        self.told, self.tries = None, 0
        self.send(1, f"follow {self.id} news".encode())
        self.is_open.set()

    def hear(self, opcode, payload):
        if opcode == 9:
            self.send(10, payload)
        elif opcode == 8:
            self.told = time.monotonic()
            self.run.codes[int.from_bytes(payload[:2], "big")] += 1
            self.send(8, payload[:2])
        elif opcode == 1:
            line, _, text = payload.decode().partition("\n")
            words = line.split()
            if words[0] in ("now", "gap", "event"):
                self.id = words[1]
            if words[0] == "event":
                self.take(int(text))

    def take(self, number):
        if self.number == 0:  # the first: the state of the topic
            self.number = number
        elif number <= self.number:
            self.run.known += 1
        else:
            self.run.missed += number - self.number - 1
            self.number = number


async def post(port, text):
    """The status of the answer; None if there is nobody."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /news HTTP/1.1\r\nHost: localhost\r\n"
                     b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        answer = await reader.read()
        writer.close()
    except OSError:
        return None
    return int(answer.split(b" ", 2)[1]) if answer else None


async def publish(run, ports, rate):
    """Event after event; run.published is the last one."""
    up = list(ports)
    run.published = 0
    while not run.enough:
        run.published += 1
        text = str(run.published).encode()
        statuses = await asyncio.gather(*(post(p, text) for p in up))
        if statuses[-1] != 200:
            sys.exit(f"the process that stays has answered {statuses[-1]}")
        up = [p for p, status in zip(up, statuses) if status == 200]
        await asyncio.sleep(1 / rate)


def start_server(work, clients, options):
    token = work / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    server = subprocess.Popen(
        [SERVER, "--port", "0", "--post-token-file", token, "--history", "1000",
         "--max-connections", str(clients + 100), *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    server.port = int(server.stdout.readline().rsplit(b":", 1)[1].strip(b"/\n"))
    return server


def start_proxy(work, one, two, port):
    admin = work / "admin.sock"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", work / "key", "-out", work / "cert"],
        check=True, stderr=subprocess.DEVNULL)
    (work / "pem").write_text((work / "cert").read_text() +
                              (work / "key").read_text())
    text = CONFIG.read_text()
    for old, new in ((":443 ", f"127.0.0.1:{port} "),
                     ("/etc/haproxy/chat.example.pem", str(work / "pem")),
                     ("/run/haproxy/admin.sock", str(admin)),
                     (":9001", f":{one}"), (":9002", f":{two}")):
        assert old in text, old
        text = text.replace(old, new)
    (work / "haproxy.cfg").write_text(text)
    proxy = subprocess.Popen(["haproxy", "-q", "-db", "-f",
                              work / "haproxy.cfg"],
                             env=dict(os.environ, PATH=PATH))
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return proxy, admin
        except OSError:
            if proxy.poll() is not None:
                sys.exit("haproxy does not run")
            time.sleep(0.05)


def tell_proxy(admin, command):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(admin))
        s.sendall(command.encode() + b"\n")
        return s.recv(65536)


def resident(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


async def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


async def measure(way, options, work):
    reserve = socket.socket()
    reserve.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserve.bind(("127.0.0.1", 0))
    port = reserve.getsockname()[1]
    one = start_server(work, options.clients,
                       ["--drain", str(way.drain),
                        "--drain-notice", str(way.notice)])
    two = start_server(work, options.clients, [])
    proxy, admin = start_proxy(work, one.port, two.port, port)
    run = Run(way, port, ssl.create_default_context(cafile=work / "cert"))
    run.enough, run.over, run.tasks = False, False, []
    try:
        tell_proxy(admin, "set server chat/two state maint")
        empty = resident(proxy.pid)
        publisher = asyncio.create_task(
            publish(run, (one.port, two.port), options.rate))
        for at in range(0, options.clients, 50):
            some = [Client(run) for _ in range(min(50, options.clients - at))]
            run.everyone += some
            await asyncio.gather(*(c.connect() for c in some))
            await asyncio.gather(*(c.is_open.wait() for c in some))
        tell_proxy(admin, "set server chat/two state ready")
        await asyncio.sleep(2)
        held = (resident(proxy.pid) - empty) / options.clients
        begun = time.monotonic()
        one.send_signal(signal.SIGTERM)
        moved = await until(lambda: len(run.back) >= options.clients, 90)
        run.enough = True
        await publisher
        caught_up = await until(
            lambda: all(c.number == run.published for c in run.everyone), 30)
        ended = one.poll()
    finally:
        run.over = True
        for task in run.tasks:
            task.cancel()
        for client in run.everyone:
            if client.transport:
                client.transport.abort()
        for process in proxy, one, two:
            process.kill()
            process.wait()
        reserve.close()
    tenths = collections.Counter(int((t - begun) * 10) for t in run.back)
    row = {
        "way": way.name, "clients": options.clients, "moved": len(run.back),
        "events": run.published, "missed": run.missed + sum(
            run.published - c.number for c in run.everyone),
        "known": run.known, "codes": dict(run.codes), "failed": run.failed,
        "peak": max(tenths.values(), default=0),
        "away_median": statistics.median(run.away or [0]),
        "away_max": max(run.away, default=0),
        "seconds": max(run.back, default=begun) - begun, "exit": ended,
        "proxy": held}
    row["ok"] = (moved and caught_up and row["missed"] == 0 and
                 len(run.back) == options.clients and ended == 0)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.
                                     RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=10,
                        help="events a second")
    parser.add_argument("--quick", action="store_true",
                        help="50 clients: does it run?")
    parser.add_argument("--json", metavar="FILE", help="save all figures")
    options = parser.parse_args()
    if options.quick:
        options.clients = 50
    if not shutil.which("haproxy", path=PATH):
        sys.exit("haproxy is missing; run: make deps-interop")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    rows = []
    print(f"{'':46}  moved events missed failed  peak/0.1 s  away: median"
          "    max")
    for way in WAYS:
        with tempfile.TemporaryDirectory() as work:
            row = asyncio.run(measure(way, options, pathlib.Path(work)))
        rows.append(row)
        print(f"{way.name:46} {row['moved']:6} {row['events']:6} "
              f"{row['missed']:6} {row['failed']:6} {row['peak']:11} "
              f"{row['away_median']:10.3f} s {row['away_max']:5.3f} s"
              f"{'' if row['ok'] else '  WRONG'}", flush=True)
    print(f"HAProxy: {rows[0]['proxy']:.0f} bytes for each client")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    sys.exit(not all(row["ok"] for row in rows))


main()
