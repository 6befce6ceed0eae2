# SPDX-License-Identifier: MIT
"""server.py - an echo server by Python's websockets, for our clients.

Options as our echo_server's: --port, --tls-cert, --tls-key, --subprotocol.
SIGTERM closes every connection with 1001. What it does is in the path:
  /           echo
  /fragments  echo each message in several frames
  /ping       ping, and echo only after the pong
  /close/N    close with code N and the reason "so long" at the first message
  /lost       drop the TCP connection at the first message
  /status/N   refuse the handshake with HTTP status N
For each connection it prints "opened PATH ORIGIN X-INTEROP" and "closed CODE",
the code being the one that came from the client.
"""

import argparse
import asyncio
import http
import logging
import signal
import ssl

import websockets


def pieces(message):
    step = max(1, len(message) // 3)
    return [message[i:i + step] for i in range(0, len(message), step)] or [
        message]


async def serve_one(socket, path):
    asked = socket.request_headers
    print("opened", path, asked.get("Origin", "-"), asked.get("X-Interop", "-"),
          flush=True)
    try:
        await echo(socket, path)
    except websockets.ConnectionClosed:
        pass
    finally:
        await socket.wait_closed()
        print("closed", socket.close_code, flush=True)


async def echo(socket, path):
    if path == "/ping":
        await (await socket.ping(b"are you there?"))
    async for message in socket:
        if path.startswith("/close/"):
            await socket.close(int(path[len("/close/"):]), "so long")
        elif path == "/lost":
            socket.transport.abort()
        elif path == "/fragments":
            await socket.send(pieces(message))
        else:
            await socket.send(message)


async def refuse(path, headers):
    if path.startswith("/status/"):
        status = http.HTTPStatus(int(path[len("/status/"):]))
        return status, {"Location": "/", "X-Why": "interop"}, b"refused\n"
    return None


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--subprotocol", action="append")
    options = parser.parse_args()
    logging.getLogger("websockets").setLevel(logging.CRITICAL + 1)

    tls = None
    if options.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls_cert, options.tls_key)
    stop = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGTERM, stop.set_result, None)
    async with websockets.serve(
            serve_one, "127.0.0.1", options.port, ssl=tls,
            subprotocols=options.subprotocol, process_request=refuse,
            max_size=32 << 20, ping_interval=None) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"listening on {'wss' if tls else 'ws'}://127.0.0.1:{port}/",
              flush=True)
        await stop


asyncio.run(main())
