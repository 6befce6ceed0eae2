// SPDX-License-Identifier: MIT
// browser.mjs - our pages and servers in a headless Chromium.

import http from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BIN, CASE, Server, check, expect, finish, tlsArguments } from './kit.mjs';
import { browser, everyPage, isOpen as connected, loadNothing, namesAreReadable,
         openPage }
    from './pagekit.mjs';
import { WORK, WebSocketServer } from './packages.mjs';

const PAGES = fileURLToPath(new URL('../../examples/pages/', import.meta.url));
const SIZES = {
    wide: { width: 1100, height: 700 },
    phone: { width: 390, height: 780 },
    narrow: { width: 320, height: 640 },
};

const start = (program, secure, port = 0, ...args) => Server.start(
    join(BIN, program),
    ['--port', String(port), ...args, ...(secure ? tlsArguments() : [])]);

const pageUrl = (server) => server.url.replace('ws', 'http');

const open = (url) => openPage(url, { ignoreHTTPSErrors: true });

const status = (page, text) =>
    page.locator('#status').filter({ hasText: text }).waitFor();

const shot = (page, name) =>
    page.screenshot({ path: join(WORK, `${name}.png`) });

/** Lines that the status takes, and whether its end is cut off. */
const statusLook = (page) => page.evaluate(() => {
    const status = document.getElementById('status');
    const range = document.createRange();
    range.selectNodeContents(status);
    return { lines: new Set([...range.getClientRects()].map((r) => r.top)).size,
             cut: status.scrollWidth > status.clientWidth };
});

async function shots(page, name) {
    for (const scheme of ['light', 'dark'])
        for (const [size, viewport] of Object.entries(SIZES)) {
            await page.emulateMedia({ colorScheme: scheme });
            await page.setViewportSize(viewport);
            const overflow = await page.evaluate(() =>
                document.documentElement.scrollWidth - window.innerWidth);
            expect(overflow > 0, false, `${size} page scrolls sideways`);
            const look = await statusLook(page);
            expect(look.lines, 1, `${size} page's status, lines`);
            expect(look.cut && size !== 'narrow', false,
                   `${size} page's status is cut off`);
            await shot(page, `${name}-${scheme}-${size}`);
        }
    await page.setViewportSize(SIZES.wide);
}

// ---- The browser's own WebSocket, without our pages' scripts

/** Runs in the page: opens a socket, sends, and tells what happened. */
function converse({ url, protocols, sizes, code }) {
    return new Promise((done) => {
        const ws = new WebSocket(url, protocols);
        const told = { echoes: [] };
        const waiting = [];
        ws.binaryType = 'arraybuffer';
        ws.onopen = () => {
            told.protocol = ws.protocol;
            told.extensions = ws.extensions;
            for (const size of sizes) {
                waiting.push('\u20ac'.repeat(size));
                waiting.push(new Uint8Array(size).map((_, i) => i * 7));
            }
            waiting.forEach((data) => ws.send(data));
        };
        ws.onmessage = ({ data }) => {
            const sent = waiting[told.echoes.length];
            const same = typeof sent === 'string'
                ? data === sent
                : data instanceof ArrayBuffer &&
                  data.byteLength === sent.length &&
                  new Uint8Array(data).every((byte, i) => byte === sent[i]);
            told.echoes.push(same);
            if (told.echoes.length === waiting.length)
                ws.close(code, 'that is all');
        };
        ws.onclose = (event) => done({ ...told, code: event.code,
                                       clean: event.wasClean });
    });
}

async function browserSocket(secure) {
    const server = await start('echo_server', secure, 0,
                               '--subprotocol', 'echo.v1');
    const page = await open(pageUrl(server));
    const told = await page.evaluate(converse, {
        url: server.url, protocols: ['other', 'echo.v1'],
        sizes: [0, 1, 125, 126, 65535, 65536, 1 << 20], code: 3001 });
    expect(told, { echoes: Array(14).fill(true), protocol: 'echo.v1',
                   extensions: '', code: 3001, clean: true }, 'conversation');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

// ---- The echo page

async function say(page, text) {
    await page.fill('#text', text);
    await page.click('#send');
    const first = page.locator('#log li').first().locator('span');
    await first.filter({ hasText: text }).waitFor();
    expect(await first.textContent(), text, 'echo on the page');
}

async function echoPage(secure) {
    let server = await start('echo_server', secure);
    const page = await open(pageUrl(server));
    await connected(page);
    for (const text of ['Hello', 'Gr\u00fc\u00dfe, \u4f60\u597d \u{1f600}',
                        '<img src=x onerror="document.title=1">',
                        'A longer message. '.repeat(12).trim()])
        await say(page, text);
    expect(await page.title(), 'upframe echo', 'title after hostile text');
    await shots(page, secure ? 'echo-tls' : 'echo');
    await say(page, 'long '.repeat(2000)); // all that the page allows
    expect(page.complaints, [], 'complaints of the page');

    expect(await server.stop(), 0, 'server\'s exit status');
    await page.getByText('code 1001').waitFor();
    expect(await page.isDisabled('#send'), true, 'send button is disabled');
    await page.locator('#retry').waitFor();
    await shots(page, secure ? 'echo-tls-away' : 'echo-away');
    server = await start('echo_server', secure, server.port);
    await connected(page); // by itself
    await say(page, 'again');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** The page, from a server that says more than it was asked. */
async function echoPageUnasked() {
    const site = http.createServer((request, response) => {
        const isScript = request.url === '/reconnect.js';
        response.setHeader('Content-Type', isScript
            ? 'text/javascript' : 'text/html; charset=utf-8');
        response.end(readFileSync(join(
            PAGES, isScript ? 'reconnect.js' : 'echo.html')));
    });
    const server = new WebSocketServer({ server: site });
    server.on('connection', (ws) => {
        ws.send('welcome');
        ws.on('message', (data, isBinary) => {
            if (String(data) === 'quit') {
                ws.terminate();
                return;
            }
            ws.send('news');
            ws.send(Buffer.from([1, 2, 3]));
            ws.send(data, { binary: isBinary });
        });
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    const page = await open(`http://127.0.0.1:${site.address().port}`);
    await connected(page);
    await say(page, 'asked');
    await page.fill('#text', 'quit');
    await page.click('#send');
    await page.locator('#log small', { hasText: 'no answer' }).waitFor();
    const log = (await page.locator('#log li').allInnerTexts())
        .map((line) => line.replace(/\s+/g, ' ').replace(/\d+\.\d ms/, 'N ms'))
        .reverse().slice(0, 5);
    expect(log, ['welcome not an echo', 'news not an echo',
                 '3 bytes of binary data not an echo', 'asked N ms',
                 'quit no answer'], 'lines of the page');
    await page.context().close();
    server.close();
    site.closeAllConnections();
    site.close();
}

// ---- The chat page

const people = (page) => page.locator('#people li').allTextContents();

async function peopleAre(page, ...wanted) {
    await page.waitForFunction((names) => {
        const here = [...document.querySelectorAll('#people li')]
            .map((li) => li.textContent).sort();
        return JSON.stringify(here) === JSON.stringify(names);
    }, wanted.sort()).catch(async () => expect(
        (await people(page)).sort(), wanted, 'people on the page'));
}

/** Who is here, by name, with the colour. */
const colours = (page) => page.evaluate(() => Object.fromEntries(
    [...document.querySelectorAll('#people .name')]
        .map((e) => [e.textContent, e.style.getPropertyValue('--hue')]).sort()));

async function introduce(page, name) {
    await connected(page);
    await page.fill('#name', name);
    await page.locator('#name').blur();
}

async function sayToAll(page, text) {
    await page.fill('#text', text);
    await page.press('#text', 'Enter');
}

const hears = (page, name, text) => page.locator('#log li')
    .filter({ has: page.locator('.name', { hasText: name }) })
    .filter({ hasText: text }).last().waitFor();

async function chat(secure) {
    const server = await start('broadcast_server', secure);
    const ann = await open(pageUrl(server));
    const bob = await open(pageUrl(server));
    await ann.getByText('Write a message below').waitFor();
    await shots(ann, secure ? 'chat-tls-empty' : 'chat-empty');
    await introduce(ann, 'Ann');
    await introduce(bob, 'Bob');
    await peopleAre(ann, 'Ann (you)', 'Bob');
    await peopleAre(bob, 'Ann', 'Bob (you)');

    await sayToAll(ann, 'Hello, Bob');
    await hears(ann, 'Ann', 'Hello, Bob');
    expect(await ann.locator('#empty').isVisible(), false,
           'hint of an empty chat after a message');
    await hears(bob, 'Ann', 'Hello, Bob');
    await sayToAll(bob, 'Hello, Ann \u{1f44b}');
    await hears(ann, 'Bob', 'Hello, Ann \u{1f44b}');
    const hostile = '<img src=x onerror="document.title=1"> & said 1\nhere 9 X';
    await sayToAll(bob, hostile);
    await hears(ann, 'Bob', '<img src=x onerror');
    expect(await ann.locator('#log p').last().textContent(), hostile,
           'hostile text');
    expect(await ann.title(), 'upframe chat', 'title after hostile text');
    await sayToAll(bob, 'A long message. '.repeat(30).trim());
    await sayToAll(ann, '\u0645\u0631\u062d\u0628\u0627');
    await hears(bob, 'Ann', '\u0645\u0631\u062d\u0628\u0627');
    await shots(ann, secure ? 'chat-tls' : 'chat');

    await introduce(bob, 'Robert');
    await peopleAre(ann, 'Ann (you)', 'Robert');
    await introduce(bob, 'Ann'); // two of one name can be told apart
    await ann.waitForFunction(() =>
        document.querySelectorAll('#people li').length === 2 &&
        new Set([...document.querySelectorAll('#people .name')]
            .map((e) => e.textContent)).size === 2);
    expect(bob.complaints, [], 'complaints of Bob\'s page');
    await bob.context().close();
    await peopleAre(ann, 'Ann (you)');
    expect(ann.complaints, [], 'complaints of Ann\'s page');
    await ann.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function chatReturns() {
    let server = await start('broadcast_server', false);
    const ann = await open(pageUrl(server));
    const bob = await open(pageUrl(server));
    const guest = await open(pageUrl(server));
    await introduce(ann, 'Ann');
    await introduce(bob, 'Bob');
    await connected(guest);
    await guest.locator('#people li', {
        hasText: /^guest \d+ \(you; seen when/ }).waitFor();
    await sayToAll(guest, 'I have no name');
    await hears(ann, 'guest', 'I have no name');
    const before = await colours(ann);
    expect(new Set(Object.values(before)).size, 3, 'colours of three');
    expect(await colours(bob), before, 'colours on the other page');
    expect(await server.stop(), 0, 'server\'s exit status');
    await status(ann, 'not connected');
    await ann.locator('#retry').waitFor();
    await ann.fill('#text', 'typed while away');
    await ann.press('#text', 'Enter');
    expect(await ann.inputValue('#text'), 'typed while away', 'what was typed');
    await shots(ann, 'chat-away');

    server = await start('broadcast_server', false, server.port);
    await connected(ann); // by itself
    await connected(bob);
    await connected(guest);
    await ann.waitForFunction(() =>
        document.querySelectorAll('#people li').length === 3);
    expect(await colours(ann), before, 'names and colours after the restart');
    await ann.press('#text', 'Enter');
    await hears(bob, 'Ann', 'typed while away');
    await guest.context().close();
    await ann.context().close();
    await bob.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function chatIsBounded() {
    const server = await start('broadcast_server', false);
    const ann = await open(pageUrl(server));
    const bob = await open(pageUrl(server));
    await introduce(ann, 'Ann');
    await introduce(bob, 'Bob');
    await sayToAll(ann, 'mine');
    await sayToAll(bob, 'his');
    await hears(ann, 'Ann', 'mine');
    await hears(ann, 'Bob', 'his');
    for (const place of ['#people', '#log .mine',
                         '#log li:not(.mine):not(.note)'])
        await namesAreReadable(ann, `${place} .name`);
    await ann.evaluate(() => {
        for (let n = 0; n < 600; n++)
            onMessage(`said ${me}\ntext ${n}`);
    });
    await hears(ann, 'Ann', 'text 599');
    expect(await ann.locator('#log li').count(), 500, 'messages on the page');
    await ann.context().close();
    await bob.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** What a name would be as HTML is seen as it was written, wherever names are. */
async function chatNamesAreText() {
    const server = await start('broadcast_server', false);
    const ann = await open(pageUrl(server));
    const eve = await open(pageUrl(server));
    await introduce(ann, 'Ann');
    await peopleAre(ann, 'Ann (you)');
    const [first, second] = ['<b>x</b>', '<img src=x onerror=ran()>'];
    for (const name of [first, second]) {
        await introduce(eve, name);
        await peopleAre(ann, 'Ann (you)', name);
        await peopleAre(eve, 'Ann', `${name} (you)`);
        await sayToAll(eve, `from ${name}`);
        await ann.locator('#log p', { hasText: `from ${name}` }).waitFor();
        expect(await ann.locator('#log li:not(.note) .name').last()
            .textContent(), name, 'who spoke');
    }
    await eve.context().close();
    await peopleAre(ann, 'Ann (you)');
    const notes = await ann.locator('#log .note').allTextContents();
    expect(notes.filter((note) => note.includes('<')),
           [`${first} is here`, `${first} is now ${second}`,
            `${second} has left`], 'notes');
    expect(await ann.locator('.name *').count(), 0,
           'elements that came from a name');
    expect(ann.complaints, [], 'complaints of Ann\'s page');
    await ann.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** A server that vanishes without a word (SIGKILL). */
async function chatSurvivesLoss() {
    let server = await start('broadcast_server', false);
    const ann = await open(pageUrl(server));
    await introduce(ann, 'Ann');
    server.process.kill('SIGKILL');
    await server.ended;
    await status(ann, 'not connected');
    server = await start('broadcast_server', false, server.port);
    await connected(ann);
    await peopleAre(ann, 'Ann (you)');
    await ann.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

// ---- Another site's page

function attempt(url) {
    return new Promise((done) => {
        const ws = new WebSocket(url);
        ws.onopen = () => done('open');
        ws.onclose = ({ code }) => done(code);
    });
}

async function foreignPage(program) {
    const site = http.createServer((request, response) => {
        response.setHeader('Content-Type', 'text/html');
        response.end('<!doctype html><title>elsewhere</title>');
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    const origin = `http://127.0.0.1:${site.address().port}`;
    const [closed, listed] = await Promise.all([
        start(program, false), start(program, false, 0, '--origin', origin)]);
    const page = await open(origin);
    expect(await page.evaluate(attempt, closed.url), 1006,
           'a foreign page\'s attempt');
    expect(await page.evaluate(attempt, listed.url), 'open',
           'a listed page\'s attempt');
    await page.context().close();
    site.close();
    expect(await closed.stop(), 0, 'server\'s exit status');
    expect(await listed.stop(), 0, 'server\'s exit status');
}

const test = (name, body) => check(`Chromium: ${name}`, body, 2 * CASE);

for (const secure of [false, true]) {
    const scheme = secure ? 'wss' : 'ws';
    await test(`${scheme} WebSocket of the browser`, () => browserSocket(secure));
    await test(`${scheme} echo page`, () => echoPage(secure));
    await test(`${scheme} chat page, two visitors`, () => chat(secure));
}
await test('echo page tells an answer from other messages', echoPageUnasked);
await test('chat page comes back after a restart', chatReturns);
await test('chat page is bounded, and readable', chatIsBounded);
await test('chat page shows names as text', chatNamesAreText);
await test('chat page comes back after a crash', chatSurvivesLoss);
for (const program of ['echo_server', 'broadcast_server'])
    await test(`${program} refuses a foreign page`, () => foreignPage(program));
await everyPage('echo', () => start('echo_server', false),
                { question: 'are you there?', answer: 'are you there?' });
await everyPage('chat', () => start('broadcast_server', false),
                { question: '/ping', answer: 'pong' });
await loadNothing('the pages of echo and chat');
await browser.close();
finish();
