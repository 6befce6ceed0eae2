// SPDX-License-Identifier: MIT
// client.mjs - Node's ws as a client of our echo_server.

import { once } from 'node:events';
import { join } from 'node:path';
import { BIN, Server, ca, check, expect, finish, tlsArguments }
    from './kit.mjs';
import { WebSocket } from './packages.mjs';

const MIB = 1 << 20;
const CLIENTS = 500;
const EVERY_WIDTH = 'a\u00e9\u20ac\u{1f600}\0\x7f\ufffd\u{10ffff}';

const start = (scheme, ...args) => Server.start(
    join(BIN, 'echo_server'),
    ['--port', '0', ...args, ...(scheme === 'wss' ? tlsArguments() : [])]);

async function open(server, subprotocols = [], options = {}) {
    const ws = new WebSocket(server.url, subprotocols, { ca: ca(), ...options });
    ws.inbox = [];
    ws.on('message', (data, binary) => ws.inbox.push([data, binary]));
    ws.closed = once(ws, 'close');
    ws.closed.catch(() => {});
    await once(ws, 'open');
    return ws;
}

async function receive(ws) {
    while (ws.inbox.length === 0) {
        const gone = ws.closed.then(([code]) => {
            throw new Error(`closed with ${code} while waiting for a message`);
        });
        await Promise.race([once(ws, 'message'), gone]);
    }
    return ws.inbox.shift();
}

async function receiveEcho(ws, data) {
    const [got, binary] = await receive(ws);
    expect(binary, typeof data !== 'string', 'whether the echo is binary');
    expect(got, Buffer.from(data), 'echo');
}

async function close(ws, code = 1000, reason = '') {
    ws.close(code, reason);
    const [got] = await ws.closed;
    expect(got, code, 'code of the server\'s Close');
}

async function echoes(server, ...messages) {
    const ws = await open(server);
    for (const data of messages) {
        ws.send(data);
        await receiveEcho(ws, data);
    }
    await close(ws);
}

async function fragments(server, pieces) {
    const ws = await open(server);
    const binary = typeof pieces[0] !== 'string';
    pieces.forEach((piece, i) => {
        ws.send(piece, { binary, fin: i === pieces.length - 1 });
    });
    await receiveEcho(ws, binary ? Buffer.concat(pieces) : pieces.join(''));
    await close(ws);
}

async function pingBetweenFragments(server) {
    const ws = await open(server);
    ws.send('first ', { fin: false });
    ws.ping('between');
    const [payload] = await once(ws, 'pong');
    expect(payload.toString(), 'between', 'pong');
    expect(ws.inbox, [], 'messages before the last fragment');
    ws.send('second', { fin: true });
    await receiveEcho(ws, 'first second');
    await close(ws);
}

async function pings(server, payload) {
    const ws = await open(server);
    ws.ping(payload);
    const [got] = await once(ws, 'pong');
    expect(got, Buffer.from(payload), 'pong');
    await close(ws);
}

/** A pong that nobody asked for is ignored (RFC 6455, 5.5.3). */
async function unsolicitedPong(server) {
    const ws = await open(server);
    ws.pong('unasked');
    ws.send('hello');
    await receiveEcho(ws, 'hello');
    await close(ws);
}

async function subprotocol(server, offered, chosen) {
    const ws = await open(server, offered);
    expect(ws.protocol, chosen, 'subprotocol');
    ws.send('hello');
    await receiveEcho(ws, 'hello');
    await close(ws);
}

async function noSubprotocol(server, offered) {
    // ws gives up when it offered some and none was chosen, as it may.
    const ws = new WebSocket(server.url, offered, { ca: ca() });
    const [error] = await once(ws, 'error');
    expect(error.message, 'Server sent no subprotocol', 'error of ws');
}

async function noCompression(server) {
    const ws = new WebSocket(server.url, { ca: ca(), perMessageDeflate: true });
    const opened = once(ws, 'open');
    const [response] = await once(ws, 'upgrade');
    expect(response.headers['sec-websocket-extensions'], undefined,
           'the server\'s Sec-WebSocket-Extensions');
    await opened;
    expect(ws.extensions, '', 'extensions');
    ws.send('a'.repeat(10000));
    const [data] = await once(ws, 'message');
    expect(data.length, 10000, 'length of the echo');
    ws.close();
    await once(ws, 'close');
}

async function refused(server, status, options) {
    const ws = new WebSocket(server.url, { ca: ca(), ...options });
    ws.on('error', () => {});
    const [, response] = await once(ws, 'unexpected-response');
    response.resume();
    expect(response.statusCode, status, 'HTTP status');
    ws.terminate();
}

async function clientCloses(server, code, reason) {
    const ws = await open(server);
    ws.send('hello');
    await receiveEcho(ws, 'hello');
    await close(ws, code, reason);
}

async function closeWithoutCode(server) {
    const ws = await open(server);
    ws.close();
    const [code] = await ws.closed;
    expect(code, 1005, 'code of the server\'s Close');
}

/** The TCP connection vanishes in the middle of a message. */
async function lost(server) {
    const ws = await open(server);
    ws.send('half of', { fin: false });
    if (ws._socket.encrypted)
        ws._socket.destroy();
    else
        ws._socket.resetAndDestroy();
    await ws.closed;
    await echoes(server, 'the server lives on');
}

async function crowd(server) {
    const sockets = [];
    for (let at = 0; at < CLIENTS; at += 50)
        sockets.push(...await Promise.all(
            Array.from({ length: 50 }, () => open(server))));
    await Promise.all(sockets.map(async (ws, i) => {
        ws.send(`client ${i}`);
        await receiveEcho(ws, `client ${i}`);
        await close(ws);
    }));
}

async function serverPings(scheme) {
    const server = await start(scheme, '--ping-interval', '100');
    const ws = await open(server);
    for (let i = 0; i < 3; i++)
        await once(ws, 'ping');
    ws.send('still here');
    await receiveEcho(ws, 'still here');
    await close(ws);
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** SIGTERM: all clients see 1001, and the server ends with status 0. */
async function serverCloses(scheme) {
    const server = await start(scheme);
    const sockets = await Promise.all([open(server), open(server)]);
    const stopped = server.stop();
    for (const ws of sockets) {
        const [code] = await ws.closed;
        expect(code, 1001, 'close code');
    }
    expect(await stopped, 0, 'server\'s exit status');
}

/**
 * Both send their Close before they have seen the other's: the server is
 * stopped (as by a scheduler) until both have a reason to close.
 */
async function bothClose(scheme) {
    const server = await start(scheme);
    const ws = await open(server);
    server.process.kill('SIGSTOP');
    ws.close(1000, 'client was first');
    const stopped = server.stop();
    server.process.kill('SIGCONT');
    const [code] = await ws.closed;
    expect([1000, 1001].includes(code), true, `close code ${code} is sound`);
    expect(await stopped, 0, 'server\'s exit status');
}

async function run(scheme) {
    const test = (name, body, ms) =>
        check(`${scheme} ws client: ${name}`, body, ms);
    const mebibyte = Buffer.alloc(MIB, Buffer.from([...Array(251).keys()]));
    let server = await start(scheme);

    await test('text', () => echoes(server, 'hello', EVERY_WIDTH));
    await test('binary', () => echoes(server, mebibyte.subarray(0, 256)));
    await test('empty text', () => echoes(server, ''));
    await test('empty binary', () => echoes(server, Buffer.alloc(0)));
    for (const size of [125, 126, 65535, 65536])
        await test(`${size} bytes`, () => echoes(
            server, 't'.repeat(size), mebibyte.subarray(0, size)));
    await test('1 MiB of text', () => echoes(server, '\u20acx'.repeat(MIB / 4)));
    await test('1 MiB of binary', () => echoes(server, mebibyte));
    await test('text in fragments, one of them empty',
               () => fragments(server, ['Gr\u00fc', '', '\u00dfe', '!']));
    await test('binary in 1000 fragments', () => fragments(
        server, Array.from({ length: 1000 }, (_, i) => Buffer.from([i & 255]))));
    await test('a ping between fragments', () => pingBetweenFragments(server));
    await test('ping', () => pings(server, 'payload'));
    await test('ping of 125 bytes', () => pings(server, mebibyte.subarray(0, 125)));
    await test('empty ping', () => pings(server, ''));
    await test('unsolicited pong', () => unsolicitedPong(server));
    await test('no subprotocol is ours', () => noSubprotocol(server, ['x']));
    await test('permessage-deflate is declined', () => noCompression(server));
    await test('client closes with 1000',
               () => clientCloses(server, 1000, 'good bye'));
    await test('client closes with 3000',
               () => clientCloses(server, 3000, '\u20ac'.repeat(41)));
    await test('client closes without a code', () => closeWithoutCode(server));
    await test('client is lost', () => lost(server));
    await test('a foreign origin is refused', () => refused(
        server, 403, { origin: 'https://evil.example' }));
    await test(`${CLIENTS} clients at once`, () => crowd(server));
    await test('server ends', async () =>
        expect(await server.stop(), 0, 'server\'s exit status'));

    server = await start(scheme, '--subprotocol', 'echo.v1');
    await test('the subprotocol is chosen',
               () => subprotocol(server, ['x', 'echo.v1'], 'echo.v1'));
    await test('no subprotocol is offered', () => subprotocol(server, [], ''));
    await test('server with a subprotocol ends', async () =>
        expect(await server.stop(), 0, 'server\'s exit status'));

    await test('server pings client', () => serverPings(scheme));
    await test('server closes', () => serverCloses(scheme));
    await test('both close at once', () => bothClose(scheme));
}

for (const scheme of ['ws', 'wss'])
    await run(scheme);
finish();
