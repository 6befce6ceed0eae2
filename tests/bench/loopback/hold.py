#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hold.py - what connections that are idle cost the process that holds them.

broadcast_server, without and with TLS: its resident memory for each connection
(VmRSS); the kernel's memory for it (slabs and TCP's buffers; halved, as both
ends of it are on this machine); the processor's time to open one, for a ping
and its pong, and for a message in and its echo out.

    hold.py [--connections N] [--quick] [--json FILE]
"""

import argparse
import base64
import json
import os
import pathlib
import resource
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build")
SERVER = os.path.join(BUILD, "examples", "broadcast_server")
REQUEST = (b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)) +
           b"\r\n\r\n")
PONG = bytes([0x8A, 0x80, 0, 0, 0, 0])


def number(file, word):
    """The number behind `word` in a file of /proc."""
    for line in pathlib.Path(file).read_text().splitlines():
        if line.startswith(word):
            return int(line.split()[1])
    raise LookupError(f"{file} does not say {word}")


def resident(pid):
    return number(f"/proc/{pid}/status", "VmRSS:") * 1024


def kernel():
    """Bytes of slabs and of the buffers of TCP."""
    words = pathlib.Path("/proc/net/sockstat").read_text().split()
    pages = int(words[words.index("mem") + 1])
    return number("/proc/meminfo", "Slab:") * 1024 + pages * 4096


def cpu(pid):
    """Seconds of processor time, to the nanosecond."""
    return time.clock_gettime(((~pid) << 3) | 2)


def start(options, secure, *more):
    server = subprocess.Popen(
        [SERVER, "--port", "0", "--max-connections",
         str(options.connections + 10), *secure, *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    server.port = int(server.stdout.readline().rsplit(b":", 1)[1].strip(b"/\n"))
    return server


def connect(port, tls):
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        s = tls.wrap_socket(s, server_hostname="localhost")
    s.sendall(REQUEST)
    head = b""
    while b"people" not in head:  # the first message
        head += s.recv(4096)
    return s


def memory(options, secure, tls):
    server = start(options, secure, "--ping-interval", "0")
    try:
        everyone = [connect(server.port, tls) for _ in range(10)]
        time.sleep(1)
        before = resident(server.pid), kernel(), cpu(server.pid)
        for _ in range(options.connections):
            everyone.append(connect(server.port, tls))
        time.sleep(2)
        after = resident(server.pid), kernel(), cpu(server.pid)
    finally:
        server.kill()
        server.wait()
    return [(b - a) / options.connections for a, b in zip(before, after)]


def pings(options, secure, tls):
    """Each is pinged once a second; the processor's time for each pong."""
    server = start(options, secure, "--ping-interval", "1000")
    try:
        poll, by_fd = select.epoll(), {}
        for _ in range(options.pinged):
            s = connect(server.port, tls)
            by_fd[s.fileno()] = s
            s.setblocking(False)
            poll.register(s, select.EPOLLIN)
        end = time.monotonic() + 8
        begun = pongs = 0
        while time.monotonic() < end:
            if not begun and time.monotonic() > end - 6:
                begun, pongs = cpu(server.pid), 0
            for fd, _ in poll.poll(0.1):
                try:
                    data = by_fd[fd].recv(4096)
                except (BlockingIOError, ssl.SSLWantReadError):
                    continue
                if data[:2] == b"\x89\x00":
                    by_fd[fd].send(PONG)
                    pongs += 1
        return (cpu(server.pid) - begun) / pongs
    finally:
        server.kill()
        server.wait()


def messages(options, secure, tls):
    """One says 64 bytes, which come back; the next one then."""
    server = start(options, secure)
    try:
        s = connect(server.port, tls)
        frame = b"\x82\xC0" + bytes(4) + b"x" * 64  # binary: as it is
        begun = 0
        for n in range(options.messages):
            if n == options.messages // 10:
                begun = cpu(server.pid)
            s.sendall(frame)
            left = 66
            while left:
                left -= len(s.recv(left))
        return (cpu(server.pid) - begun) / (options.messages * 9 // 10)
    finally:
        server.kill()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.
                                     RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=9000)
    parser.add_argument("--quick", action="store_true", help="does it run?")
    parser.add_argument("--json", metavar="FILE", help="save all figures")
    options = parser.parse_args()
    rows = []
    options.pinged, options.messages = 2000, 20000
    if options.quick:
        options.connections, options.pinged, options.messages = 200, 50, 500
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with tempfile.TemporaryDirectory() as work:
        key, cert = os.path.join(work, "key"), os.path.join(work, "cert")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", key, "-out", cert], check=True,
            stderr=subprocess.DEVNULL)
        secure = ["--tls-cert", cert, "--tls-key", key]
        print(f"{options.connections:5} idle   bytes each   kernel's  us to open   us a ping"
              "   us a message")
        for name, arguments, tls in (
                ("ws", [], None),
                ("wss", secure, ssl.create_default_context(cafile=cert))):
            mine, kernels, to_open = memory(options, arguments, tls)
            row = {"name": name, "bytes": mine, "kernel_bytes": kernels / 2,
                   "open_us": to_open * 1e6,
                   "ping_us": pings(options, arguments, tls) * 1e6,
                   "message_us": messages(options, arguments, tls) * 1e6}
            rows.append(row)
            print(f"{name:10} {row['bytes']:12.0f} {row['kernel_bytes']:10.0f}"
                  f" {row['open_us']:11.1f} {row['ping_us']:11.2f}"
                  f" {row['message_us']:14.2f}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
