#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""notify.py - what an event to many subscribers costs the server.

One event after the other, each when all have had the one before; the server's
processor time per delivery, and how long until the last one has it. Beside it,
the same messages through `echo_epoll --broadcast`, which has nothing but the
engine and a list. The two take turns; medians.

    python3 tests/bench/loopback/notify.py [SUBSCRIBERS [EVENTS [ROUNDS]]]
"""

import os
import resource
import select
import socket
import statistics
import subprocess
import sys
import time

BIN = os.path.join(os.environ.get('BUILD', 'build'), 'examples')
TEXT = 'x' * 64
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


def run(command, say, publish, count, events, marker):
    server = subprocess.Popen(command, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        port = int(server.stdout.readline().rsplit(b':', 1)[1].strip(b'/\n'))
        everyone = [connect(port) for _ in range(count)]
        for s in everyone:
            if say:
                s.sendall(frame(say))
        sender = connect(port)
        time.sleep(1)  # what they are greeted with has come
        poll = select.epoll()
        by_fd = {s.fileno(): s for s in everyone}
        for s in everyone:
            s.setblocking(False)
            try:
                while s.recv(65536):
                    pass
            except BlockingIOError:
                pass
            poll.register(s, select.EPOLLIN)
        delays, size = [], 0
        begun = cpu(server.pid)
        for _ in range(events):
            start = time.monotonic()
            publish(server, sender)
            left = count
            while left:
                for fd, _ in poll.poll(10):
                    data = by_fd[fd].recv(65536)
                    left -= data.count(marker)
                    size = len(data)
            delays.append(time.monotonic() - start)
        used = cpu(server.pid) - begun
        for s in everyone + [sender]:
            s.close()
        return used / (count * events) * 1e9, statistics.median(delays), size
    finally:
        server.kill()
        server.wait()


def publish_line(server, _):
    server.stdin.write(f'build {TEXT}\n'.encode())
    server.stdin.flush()


def publish_message(_, sender):
    # As long as the event's message is.
    sender.sendall(frame('e' * (ECHO_SIZE - len(TEXT)) + TEXT))


ECHO_SIZE = len('event 0123456789abcdef-10 build 1795849359748\n') + len(TEXT)


def main():
    defaults = ['5000', '40', '5']
    count, events, rounds = map(int, sys.argv[1:] + defaults[len(sys.argv) - 1:])
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    most = ['--port', '0', '--max-connections', str(count + 10)]
    rows = {'notify_server': [], 'echo_epoll --broadcast': []}
    for _ in range(rounds):
        rows['notify_server'].append(
            run([os.path.join(BIN, 'notify_server')] + most,
                'follow - build', publish_line, count, events, TEXT.encode()))
        rows['echo_epoll --broadcast'].append(
            run([os.path.join(BIN, 'echo_epoll'), '--broadcast'] + most,
                None, publish_message, count, events, TEXT.encode()))
    cost = {}
    for name, results in rows.items():
        cost[name] = statistics.median(r[0] for r in results)
        print(f'{name:24} {cost[name]:7.0f} ns of processor per delivery, all '
              f'{count} after {statistics.median(r[1] for r in results) * 1e3:.1f}'
              f' ms, {results[-1][2]} bytes each')
    print(f"ratio {cost['notify_server'] / cost['echo_epoll --broadcast']:.2f}")


main()
