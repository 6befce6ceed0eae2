#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""notify.py - what an event to many subscribers costs the server.

One event after the other, each when all have had the one before; the server's
processor time per delivery, and how long until the last one has it. Beside it,
the same messages through `echo_epoll --broadcast`, which has nothing but the
engine and a list. In each round both run, one after the other; the ratio is of
one round's two figures. Medians of the rounds. The first event is not counted:
with it the topic is announced.

    notify.py [--subscribers N] [--events N] [--rounds N] [--quick] [--json FILE]
"""

import argparse
import json
import os
import select
import socket
import statistics
import subprocess
import time

from servers import BENCH, raise_limit

TEXT = 'x' * 64
# As long as the event's message is.
HEAD = len('event 0123456789abcdef-10 build 1795849359748\n')
REQUEST = (b'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n'
           b'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
           b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')


def frame(text):
    """A masked text frame; the mask is zero."""
    data = text.encode()
    length = (bytes([0x80 | len(data)]) if len(data) < 126 else
              bytes([0xFE]) + len(data).to_bytes(2, 'big'))
    return b'\x81' + length + bytes(4) + data


def connect(port):
    s = socket.create_connection(('127.0.0.1', port))
    s.sendall(REQUEST)
    head = b''
    while b'\r\n\r\n' not in head:
        head += s.recv(4096)
    return s


def cpu(pid):
    """Seconds of processor time, to the nanosecond."""
    return time.clock_gettime(((~pid) << 3) | 2)


def deliver(poll, by_fd, publish):
    """Publish, and wait until all have it; seconds."""
    start = time.monotonic()
    publish()
    left = len(by_fd)
    while left:
        for fd, _ in poll.poll(10):
            left -= by_fd[fd].recv(65536).count(TEXT.encode())
    return time.monotonic() - start


def run(name, say, args):
    """Nanoseconds per delivery, and seconds until the last one has it."""
    command = [os.path.join(BENCH, name.split()[0]), *name.split()[1:],
               '--port', '0', '--max-connections', str(args.subscribers + 10)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        port = int(server.stdout.readline().rsplit(b':', 1)[1].strip(b'/\n'))
        everyone = [connect(port) for _ in range(args.subscribers)]
        sender = connect(port)
        by_fd = {s.fileno(): s for s in everyone}
        poll = select.epoll()
        for fd, s in by_fd.items():
            if say:
                s.sendall(frame(say))
            poll.register(fd, select.EPOLLIN)

        def publish():
            if say:
                server.stdin.write(f'build {TEXT}\n'.encode())
                server.stdin.flush()
            else:
                sender.sendall(frame('e' * HEAD + TEXT))

        deliver(poll, by_fd, publish)
        begun = cpu(server.pid)
        delays = [deliver(poll, by_fd, publish) for _ in range(args.events)]
        used = cpu(server.pid) - begun
        for s in everyone + [sender]:
            s.close()
        return (used / (args.subscribers * args.events) * 1e9,
                statistics.median(delays))
    finally:
        server.kill()
        server.wait()


def main():
    parser = argparse.ArgumentParser(
        description='what an event to many subscribers costs the server')
    parser.add_argument('--subscribers', type=int, default=5000)
    parser.add_argument('--events', type=int, default=40)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--quick', action='store_true', help='does it run?')
    parser.add_argument('--json', metavar='FILE')
    args = parser.parse_args()
    if args.quick:
        args.subscribers, args.events, args.rounds = 100, 5, 1
    raise_limit()
    names = ('notify_server', 'echo_epoll --broadcast')
    rounds = [[run(names[0], 'follow - build', args), run(names[1], None, args)]
              for _ in range(args.rounds)]
    ratio = statistics.median(n[0] / e[0] for n, e in rounds)
    result = {'ratio': ratio}
    for i, name in enumerate(names):
        cost = statistics.median(r[i][0] for r in rounds)
        delay = statistics.median(r[i][1] for r in rounds)
        result[name] = {'ns': cost, 'delay_ms': delay * 1e3}
        print(f'{name:24} {cost:7.0f} ns of processor per delivery, all '
              f'{args.subscribers} after {delay * 1e3:.1f} ms')
    print(f'ratio {ratio:.2f} (median of {args.rounds} rounds)  target 1.10  '
          f'{"ok" if ratio <= 1.1 else "OVER"}')
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as out:
            json.dump(result, out)


main()
