# SPDX-License-Identifier: MIT
"""servers.py - start and stop the servers that echo.py and idle.py measure.

Each takes --host, --port and --broadcast, prints "listening on
ws://127.0.0.1:PORT/" when it is ready, and sends every message back (or to
all). One that is not installed or not built is left out.
"""

import contextlib
import glob
import os
import re
import resource
import select
import shutil
import subprocess
import sys
import time

BUILD = os.environ.get("BUILD", "build")
BENCH = os.path.join(BUILD, "bench")
NODE_MODULES = os.path.abspath(os.path.join(BENCH, "node_modules"))
HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ("floor", "upframe", "libwebsockets", "ws", "bun")
START_SECONDS = 15


def first(paths):
    return next((p for p in paths if p and os.access(p, os.X_OK)), None)


def command(name):
    """The server's command line, or None if it is not here."""
    script = None
    if name == "floor":
        program = first([os.path.join(BENCH, "floor_server")])
    elif name == "upframe":
        program = first([os.path.join(BENCH, "echo_epoll")])
    elif name == "libwebsockets":
        program = first([os.path.join(BENCH, "lws_server")])
    elif name == "ws":
        program = os.path.isdir(NODE_MODULES + "/ws") and shutil.which("node")
        script = "ws_server.mjs"
    else:
        program = first(sorted(
            glob.glob(NODE_MODULES + "/@oven/bun-*/bin/bun"), key=len))
        script = "bun_server.mjs"
    if not program:
        return None
    return [program] + ([os.path.join(HERE, script)] if script else [])


def choose(wanted):
    """The servers that are here; says which are not."""
    unknown = set(wanted) - set(NAMES)
    if unknown:
        sys.exit("no server '%s'; there are: %s" % (unknown.pop(),
                                                    ", ".join(NAMES)))
    here = [name for name in NAMES if name in wanted and command(name)]
    for name in wanted:
        if name not in here:
            print("without %s: not built or not installed (make bench-deps)"
                  % name)
    return here


def pinned(cpu, argv):
    """`argv`, kept on one processor."""
    return ["taskset", "-c", cpu] + argv if cpu else argv


def raise_limit():
    """10,000 connections need as many descriptors."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def wait_for_port(process, name):
    """The port that the server's first lines tell."""
    text = b""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        ready = select.select([process.stdout], [], [], 0.2)[0]
        if not ready:
            continue
        text += os.read(process.stdout.fileno(), 4096)
        found = re.search(rb"listening on ws://[^/]*:(\d+)/", text)
        if found:
            return int(found.group(1))
    raise RuntimeError("%s does not listen: %r" % (name, text))


@contextlib.contextmanager
def running(name, cpu=None, broadcast=False):
    """A server, as (pid, port); it ends with the block."""
    argv = command(name) + ["--host", "127.0.0.1", "--port", "0"]
    if broadcast:
        argv.append("--broadcast")
    with subprocess.Popen(pinned(cpu, argv), stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, preexec_fn=raise_limit,
                          env=dict(os.environ, NODE_MODULES=NODE_MODULES),
                          ) as process:
        try:
            # taskset becomes the server: the pid is its own.
            yield process.pid, wait_for_port(process, name)
        finally:
            process.kill()
