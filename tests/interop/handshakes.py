# SPDX-License-Identifier: MIT
"""handshakes.py - what we accept, two other servers do not all refuse.

Some hundred opening handshakes, each a sound one with one or two changes, go
to our echo_server, to Node's http server with ws, and to Python's websockets.
We may be stricter than both; we must not be laxer than both, but where the RFCs
say so (LAWFUL).
"""

import asyncio
import os
import random
import re
import sys

from kit import BIN, CASE, HERE, SUITE, Failure, Server, check, finish

NODE = os.environ.get("INTEROP_NODE", "node")
SEED, PAIRS = 6455, 400
AT_ONCE = 16

SOUND = [b"GET / HTTP/1.1", b"Host: HOST", b"Upgrade: websocket",
         b"Connection: Upgrade", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
         b"Sec-WebSocket-Version: 13"]

VALUES = {
    b"Host": [b"", b"a b", b"HOST, HOST", b"HOST:80:80", b"[::1]", b"[::1",
              b"localhost", b"HOST/", b"user@HOST", b"a\tb", b"HOST:", b"?",
              b"127.0.0.1:99999", b"EXAMPLE.com", b"\xc3\xa9.example"],
    b"Upgrade": [b"", b"WebSocket", b"WEBSOCKET", b"websocket2", b"h2c",
                 b"websocket/13", b"web socket", b"websocket;q=1",
                 b'"websocket"', b"websocket, h2c", b"h2c, websocket",
                 b"websocket,", b"websocket\x00", b"\twebsocket\t"],
    b"Connection": [b"", b"upgrade", b"UPGRADE", b"keep-alive",
                    b"keep-alive, Upgrade", b"Upgrade, keep-alive",
                    b"upgraded", b"Upgrade;x", b"close, Upgrade", b"Upgrade,,",
                    b"close", b"keep-alive Upgrade", b",Upgrade", b"Up grade"],
    b"Sec-WebSocket-Key": [
        b"", b"x", b"dGhlIHNhbXBsZSBub25jZQ=", b"dGhlIHNhbXBsZSBub25jZQ",
        b"dGhlIHNhbXBsZSBub25jZQ===", b"dGhlIHNhbXBsZSBub25jZR==",
        b"dGhlIHNhbXBsZSBub25j", b"dGhlIHNhbXBsZSBub25jZWVl",
        b"dGhlIHNhbXBsZSBub25jZ\xff==", b"dGhl IHNhbXBsZSBub25jZQ==",
        b"dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        b"________________________", b"----------------------==",
        b"dGhlIHNhbXBsZSBub25jZQ==A", b"=GhlIHNhbXBsZSBub25jZQ==",
        b"x" * 4000],
    b"Sec-WebSocket-Version": [
        b"", b"8", b"7", b"0", b"12", b"14", b"013", b"+13", b"13.0", b"13a",
        b"0x0d", b"13, 8", b"8, 13", b"13 13", b"-13", b"\xb9\xb3", b"269"],
    b"Sec-WebSocket-Protocol": [b"", b",", b"a,,b", b"a b", b"a, a", b'"a"',
                                b"a;b", b"chat", b"a, b", b"\xff", b"a,",
                                b"gabbo, ", b", ,a", b" \t", b",,,"],
    b"Sec-WebSocket-Extensions": [
        b"", b",", b"permessage-deflate", b"permessage-deflate;", b";",
        b"x; y", b"x; y=z", b'x; y="z"', b"x; y=", b"x y", b'x; y="', b"x;;y",
        b"permessage-deflate; client_max_window_bits=99", b"x, y", b"x; =z",
        b'x; y="a b"', b"permessage-deflate,", b",x", b"x,,y", b", ,"],
    b"Origin": [b"http://HOST", b"null", b"http://evil.example", b"", b"HOST",
                b"http://HOST.evil.example", b"http://HOST@evil.example"],
    b"Content-Length": [b"0", b"5", b"-1", b"", b"5, 5", b"99999999999999999999",
                        b"+0", b"0x5"],
    b"Transfer-Encoding": [b"chunked", b"identity", b"gzip, chunked", b"x", b""],
    b"Expect": [b"100-continue", b"x"],
    b"X-Other": [b"", b"a" * 3000, b"\xff\xfe", b"a\x00b", b"a\x7fb", b"a\x01b",
                 b"a\rb", b"a\nb"],
}

REQUEST_LINES = [
    b"GET /", b"GET / HTTP/1.0", b"GET / HTTP/0.9", b"GET / HTTP/1.2",
    b"GET / HTTP/2.0", b"GET / HTTP/1.10", b"GET / HTTP/01.1", b"GET / http/1.1",
    b"GET / HTTPS/1.1", b"GET / HTTP/1.1 ", b"GET  / HTTP/1.1",
    b"GET /  HTTP/1.1", b" GET / HTTP/1.1", b"GET\t/\tHTTP/1.1", b"GET HTTP/1.1",
    b"GET", b"", b"get / HTTP/1.1", b"POST / HTTP/1.1", b"HEAD / HTTP/1.1",
    b"PUT / HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT HOST HTTP/1.1",
    b"PRI * HTTP/2.0", b"TRACE / HTTP/1.1", b"G\x00T / HTTP/1.1",
    b"GET * HTTP/1.1", b"GET x HTTP/1.1", b"GET http://HOST/ HTTP/1.1",
    b"GET ws://HOST/ HTTP/1.1", b"GET ws://HOST/foo HTTP/1.1",
    b"GET wss://HOST?q HTTP/1.1", b"GET HTTPS://HOST HTTP/1.1",
    b"GET ws://other.example/ HTTP/1.1", b"GET ws://u@HOST/ HTTP/1.1",
    b"GET ftp://HOST/ HTTP/1.1", b"GET ws:///x HTTP/1.1",
    b"GET /\xc3\xbc HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /\x00 HTTP/1.1",
    b"GET /\x7f HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET /#f HTTP/1.1",
    b"GET /?q HTTP/1.1", b"GET //x HTTP/1.1", b"GET /%00 HTTP/1.1",
    b"GET /%zz HTTP/1.1", b"GET /\"<>\\^`{|} HTTP/1.1", b"GET /../x HTTP/1.1",
    b"GET /" + b"a" * 3000 + b" HTTP/1.1", b"GETT / HTTP/1.1",
    b"GET / HTTP/1.1\x00", b"GET / HTTP/1.1\r", b"GET / HTTP/11",
    b"GET / HTTP/1,1", b"GET / HTTP/ 1.1", b"GET / HTTP/1.",
]

def upgrade_lists_websocket(data):
    protocols = [item.strip().lower() for line in data.split(b"\r\n")
                 if line.lower().startswith(b"upgrade:")
                 for item in line.partition(b":")[2].split(b",")]
    return b"websocket" in protocols and len(protocols) > 1


# Where the RFCs are on our side, though both others refuse: "websocket" may
# be one of several protocols, also on several lines (RFC 9110, 5.3 and 7.8);
# and a later HTTP/1.x counts as HTTP/1.1 (RFC 6455, 4.2.1; RFC 9110, 6.2).
LAWFUL = [
    upgrade_lists_websocket,
    lambda data: re.match(rb"GET \S+ HTTP/1\.[2-9]\r\n", data),
]


def render(lines, end=b"\r\n"):
    return end.join(lines) + end + end


def single_changes():
    """(name, bytes) of every sound request with one change."""
    yield "nothing", render(SOUND)
    for i, line in enumerate(SOUND):
        rest = SOUND[:i], SOUND[i + 1:]
        what = line.partition(b":")[0].decode()

        def changed(*lines):
            return render(rest[0] + list(lines) + rest[1])

        yield f"without {what}", changed()
        yield f"{what} twice", changed(line, line)
        yield f"{what} lower", changed(line.lower())
        yield f"{what} upper", changed(line.upper())
        yield f"{what} folded", changed(line.replace(b": ", b":\r\n "))
        yield f"{what} behind a blank", changed(b" " + line)
        yield f"{what} and a blank", changed(line + b" ")
        yield f"{what} ended by LF", changed(line + b"\n" + b"X: y")
        yield f"{what} ended by CR", changed(line + b"\r" + b"X: y")
        yield f"{what} with a NUL", changed(line + b"\0")
        if i > 0:
            name, value = line.split(b": ")
            yield f"{what} without a blank", changed(name + b":" + value)
            yield f"{what} with a tab", changed(name + b":\t" + value)
            yield f"{what} blank colon", changed(name + b" : " + value)
            yield f"{what} no colon", changed(name + b" " + value)
            yield f"{what} two colons", changed(name + b":: " + value)
            yield f"{what}, name cut", changed(name[:-1] + b": " + value)
            yield f"{what}, name in two", changed(
                name[:4] + b" " + name[4:] + b": " + value)
            yield f"{what} last", render(rest[0] + rest[1] + [line])
    for first in REQUEST_LINES:
        yield f"first line {first[:30]!r}", render([first] + SOUND[1:])
    for name, values in VALUES.items():
        others = [line for line in SOUND if not line.startswith(name + b":")]
        for value in values:
            line = name + b": " + value
            yield f"{line[:50]!r}", render(others + [line])
    yield "line feeds", render(SOUND, b"\n")
    yield "carriage returns", render(SOUND, b"\r")
    yield "a leading blank line", b"\r\n" + render(SOUND)
    yield "a leading line feed", b"\n" + render(SOUND)
    yield "two leading blank lines", b"\r\n\r\n" + render(SOUND)
    yield "a NUL in front", b"\0" + render(SOUND)
    yield "no name", render(SOUND + [b": x"])
    yield "a thousand headers", render(SOUND + [b"X: y"] * 1000)
    yield "80 headers", render(SOUND + [b"X: y"] * 80)


def double_changes(singles):
    """Two single changes of different lines, drawn by a fixed seed."""
    draw = random.Random(SEED)
    sound = set(SOUND)
    made = 0
    while made < PAIRS:
        (name, one), (other, two) = draw.sample(singles, 2)
        new = [line for line in two[:-4].split(b"\r\n") if line not in sound]
        lines = one[:-4].split(b"\r\n")
        replaced = {line.partition(b":")[0] for line in new}
        kept = [line for line in lines
                if line.partition(b":")[0] not in replaced]
        if not new or not kept or b"HTTP" in b"".join(new):
            continue
        made += 1
        yield f"{name} + {other}", render(kept + new)


async def accepted(server, data):
    """Whether the answer is a 101; silence and a closed door are refusals."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data.replace(b"HOST", b"127.0.0.1:%d" % server.port))
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(12), CASE)
        return answer.startswith(b"HTTP/1.1 101")
    except (asyncio.TimeoutError, OSError):
        return False
    finally:
        writer.transport.abort()


def lawful(data):
    return any(rule(data) for rule in LAWFUL)


async def compare(ours, others):
    singles = list(single_changes())
    mutants = singles + list(double_changes(singles))
    gate = asyncio.Semaphore(AT_ONCE)

    async def verdicts(data):
        async with gate:
            return await asyncio.gather(
                accepted(ours, data),
                *(accepted(server, data) for server in others))

    results = await asyncio.gather(*(verdicts(data) for _, data in mutants))
    count = {"all accept": 0, "all refuse": 0, "we alone refuse": 0,
             "they disagree": 0, "we alone accept, lawfully": 0}
    lax = []
    for (name, data), (mine, *theirs) in zip(mutants, results):
        if mine and not any(theirs):
            if lawful(data):
                count["we alone accept, lawfully"] += 1
            else:
                lax.append(name)
        elif all(theirs):
            count["all accept" if mine else "we alone refuse"] += 1
            if not mine and "-v" in sys.argv:
                print(f"     stricter: {name}")
        elif not any(theirs):
            count["all refuse"] += 1
        else:
            count["they disagree"] += 1
    print(f"     {len(mutants)} handshakes: " +
          ", ".join(f"{n} {what}" for what, n in count.items()), flush=True)
    if not all(results[0]):
        raise Failure(f"the sound handshake is refused: {results[0]}")
    if count["all accept"] < 20 or count["all refuse"] < 100:
        raise Failure("too few verdicts in common to mean anything")
    if lax:
        raise Failure(f"{len(lax)} are accepted by us alone: {lax[:20]}")


async def main():
    async def everything():
        async with Server([f"{BIN}/echo_server"]) as ours, \
                Server([NODE, f"{HERE}/server.mjs"]) as node, \
                Server([sys.executable, "-B", f"{HERE}/server.py"]) as python:
            await compare(ours, [node, python])

    await check("handshakes: we accept none that both others refuse",
                everything(), SUITE)
    finish()


asyncio.run(main())
