# SPDX-License-Identifier: MIT
"""kit.py - what the Python suites share: cases, and programs under test."""

import asyncio
import atexit
import os
import signal
import ssl
import subprocess
import sys

BIN = os.environ.get("INTEROP_BIN", "build/examples")
CERTS = os.environ.get("INTEROP_CERTS", "build/interop/certs")
HERE = os.path.dirname(os.path.abspath(__file__))

# Seconds: guards against what hangs, no measure of any machine.
CASE = 60
SUITE = 280

passed = 0
failed = 0
running = set()


class Failure(Exception):
    """A case found something other than what it expects."""


def expect(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: expected {brief(wanted)}, got {brief(got)}")


def brief(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(value)} long)"


async def check(name, coroutine, limit=CASE):
    """Run one case, for at most `limit` seconds: it passes by returning."""
    global passed, failed
    try:
        await asyncio.wait_for(coroutine, limit)
    except Exception as error:
        failed += 1
        if isinstance(error, asyncio.TimeoutError):
            error = f"not done after {limit} seconds"
        elif not isinstance(error, Failure):
            error = f"{type(error).__name__}: {error}"
        print(f"FAIL {name}: {error}", flush=True)
    else:
        passed += 1
        print(f"ok   {name}", flush=True)


def finish():
    sys.exit(0 if passed and not failed else 1)


def client_tls():
    return ssl.create_default_context(cafile=f"{CERTS}/ca.pem")


def tls_arguments(certificate="server"):
    return ["--tls-cert", f"{CERTS}/{certificate}.pem",
            "--tls-key", f"{CERTS}/{certificate}.key"]


class Server:
    """A server program: `async with Server([...]) as server`, server.url.

    It chooses its port and says "listening on URL". On the way out it must
    end with status 0 when it is told to (SIGTERM), unless a case killed it.
    """

    killed = False

    def __init__(self, command, secure=False, port=0):
        self.command = list(command) + ["--port", str(port)]
        if secure:
            self.command += tls_arguments()

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        running.add(self.process)
        try:
            self.url = await asyncio.wait_for(self.read_url(), CASE)
        except BaseException as error:
            await self.kill()
            raise Failure(f"{self.command[0]} did not listen: {error!r}")
        self.port = int(self.url.rsplit(":", 1)[1].rstrip("/"))
        self.lines = asyncio.Queue()
        self.reading = asyncio.create_task(self.read_lines())
        return self

    async def read_url(self):
        async for line in self.process.stdout:
            if line.startswith(b"listening on "):
                return line.split()[2].decode()
        raise Failure("its output ended")

    async def read_lines(self):
        async for line in self.process.stdout:
            self.lines.put_nowait(line.decode(errors="replace").rstrip())

    async def __aexit__(self, kind, error, traceback):
        try:
            if kind is None and not self.killed:
                expect(await self.stop(), 0, "server's exit status")
        finally:
            await self.kill()

    def terminate(self):
        self.signal(signal.SIGTERM)

    def signal(self, number):
        # Not by process.send_signal(): it may reap the process under the feet
        # of asyncio, and its exit status would be lost.
        if self.process.returncode is None:
            try:
                os.kill(self.process.pid, number)
            except ProcessLookupError:
                pass  # it has ended, and asyncio is about to say so

    async def stop(self):
        """Tell it to end; returns its exit status."""
        self.terminate()
        return await asyncio.wait_for(self.process.wait(), CASE)

    async def kill(self):
        self.killed = True
        self.signal(signal.SIGKILL)
        await self.process.wait()
        running.discard(self.process)


async def echo_client(*arguments):
    """Run it; returns its exit status and what it printed."""
    if "--timeout" not in arguments:
        arguments = "--timeout", str(CASE), *arguments
    process = await asyncio.create_subprocess_exec(
        f"{BIN}/echo_client", *arguments, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    running.add(process)
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
        running.discard(process)
    return process.returncode, output.decode(errors="replace")


async def expect_client(arguments, status, *words):
    got, output = await echo_client(*arguments)
    if got != status:
        raise Failure(f"exit status: expected {status}, got {got}: "
                      f"{brief(output)}")
    for word in words:
        if word not in output:
            raise Failure(f"it does not speak of {word!r}: {brief(output)}")


@atexit.register
def kill_all():
    for process in running:
        if process.returncode is None:
            try:
                process.kill()
            except ProcessLookupError:
                pass


# Told to end, end through atexit and leave no child behind.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
