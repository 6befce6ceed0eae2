// SPDX-License-Identifier: MIT
// server.mjs - an echo server by Node's ws, for our clients: see server.py.
// It also takes --origin and --ping-interval and serves a page at GET /, so
// that the cases for our own echo_server can be tried on it.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { WebSocketServer } from './packages.mjs';

const { values: options } = parseArgs({
    options: {
        port: { type: 'string', default: '0' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
        subprotocol: { type: 'string', multiple: true },
        origin: { type: 'string', multiple: true, default: [] },
        'ping-interval': { type: 'string' },
    },
});
const secure = Boolean(options['tls-cert']);

function page(request, response) {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>echo</title>\n');
}

const server = secure
    ? https.createServer({ cert: readFileSync(options['tls-cert']),
                           key: readFileSync(options['tls-key']) }, page)
    : http.createServer(page);

const wss = new WebSocketServer({
    noServer: true,
    maxPayload: 32 << 20,
    handleProtocols: (offered) =>
        (options.subprotocol ?? []).find((name) => offered.has(name)) ?? false,
});

function originAllowed({ headers: { origin, host } }) {
    return origin === undefined || options.origin.includes(origin) ||
        origin === `${secure ? 'https' : 'http'}://${host}`;
}

function refuse(socket, status) {
    socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n` +
        'Location: /\r\nX-Why: interop\r\nContent-Length: 8\r\n' +
        'Connection: close\r\n\r\nrefused\n');
}

server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const status = /^\/status\/(\d+)$/.exec(request.url)?.[1];
    if (status || !originAllowed(request))
        refuse(socket, status ?? 403);
    else
        wss.handleUpgrade(request, socket, head, (ws) => serve(ws, request));
});

function sendInFragments(ws, data, binary) {
    const step = Math.max(1, Math.floor(data.length / 3));
    for (let at = 0; at + step < data.length; at += step)
        ws.send(data.subarray(at, at + step), { binary, fin: false });
    const sent = Math.max(0, Math.ceil(data.length / step) - 1) * step;
    ws.send(data.subarray(sent), { binary, fin: true });
}

if (options['ping-interval'])
    setInterval(() => wss.clients.forEach((ws) => ws.ping()),
                Number(options['ping-interval'])).unref();

function serve(ws, { url, headers }) {
    console.log('opened', url, headers.origin ?? '-',
                headers['x-interop'] ?? '-');
    ws.on('close', (code) => console.log('closed', code));

    const early = [];
    let answered = url !== '/ping';
    const echo = (data, binary) => ws.send(data, { binary });

    ws.on('error', () => ws.terminate());
    ws.on('pong', () => {
        answered = true;
        for (const [data, binary] of early.splice(0))
            echo(data, binary);
    });
    if (!answered)
        ws.ping('are you there?');
    ws.on('message', (data, binary) => {
        if (url.startsWith('/close/'))
            ws.close(Number(url.slice('/close/'.length)), 'so long');
        else if (url === '/lost')
            ws._socket.destroy();
        else if (url === '/fragments')
            sendInFragments(ws, data, binary);
        else if (!answered)
            early.push([data, binary]);
        else
            echo(data, binary);
    });
}

process.on('SIGTERM', () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    for (const ws of wss.clients)
        ws.close(1001, 'server is stopping');
});

server.listen(Number(options.port), '127.0.0.1', () => {
    const { port } = server.address();
    console.log(`listening on ${secure ? 'wss' : 'ws'}://127.0.0.1:${port}/`);
});
