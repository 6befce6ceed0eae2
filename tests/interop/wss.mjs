// SPDX-License-Identifier: MIT
// wss.mjs - the applications' pages over TLS in a headless Chromium: each does
// what it is for, and who may not connect without TLS may not with it.

import https from 'node:https';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, CASE, CERTS, Server, ca, check, expect, finish, tlsArguments }
    from './kit.mjs';
import { browser, isOpen, loadNothing, openPage, policyHolds }
    from './pagekit.mjs';
import { WORK } from './packages.mjs';

const TOKEN = '0123456789abcdef0123456789abcdef';
const TOKEN_FILE = join(WORK, 'wss_token');

writeFileSync(TOKEN_FILE, `${TOKEN}\n`, { mode: 0o600 });

const start = (program, ...args) => Server.start(
    join(BIN, program), ['--port', '0', ...args, ...tlsArguments()]);

const pageUrl = (server) => server.url.replace('wss', 'https');

/** A page over TLS, whose sockets are noted; it is `connected`. */
async function open(server, connected = isOpen) {
    const sockets = [];
    const page = await openPage(pageUrl(server), {
        ignoreHTTPSErrors: true,
        before: (p) => p.on('websocket', (ws) => sockets.push(ws.url())) });
    await connected(page);
    expect(sockets, [server.url], 'the page\'s sockets');
    return page;
}

// ---- What each page is for

async function anEventArrives(server) {
    const page = await open(server);
    const post = https.request(`${pageUrl(server)}builds`, {
        method: 'POST', ca: ca(), headers: { Authorization: `Bearer ${TOKEN}` },
    });
    post.end('main is green');
    const [answer] = await once(post, 'response');
    answer.resume();
    expect(answer.statusCode, 200, 'POST');
    await page.locator('#log li', { hasText: 'main is green' }).waitFor();
    return [page];
}

async function pricesMove(server) {
    const page = await open(server);
    const price = await page.locator('#rows tr').first().locator('td').first()
        .elementHandle();
    await page.waitForFunction((e) => /\d/.test(e.textContent), price);
    const before = await price.textContent();
    await page.waitForFunction(([e, old]) => e.textContent !== old,
                               [price, before]);
    return [page];
}

async function aShipMoves(server) {
    const isIn = (page) =>
        page.locator('#status').filter({ hasText: 'you watch' }).waitFor();
    const ann = await open(server, isIn), bob = await open(server, isIn);
    await ann.fill('#name', 'Ann');
    await ann.press('#name', 'Enter');
    await ann.waitForFunction(() => mine !== null);
    const ship = await ann.evaluate(() => me);
    await bob.waitForFunction((n) => frames.at(-1)?.ships.has(n), ship);
    const place = (page) => page.evaluate((n) => {
        const { x, y } = frames.at(-1).ships.get(n);
        return [x, y];
    }, ship);
    const before = await place(bob);
    await bob.waitForTimeout(200);
    expect(await place(bob), before, 'where a ship is that nobody moves');
    await ann.keyboard.down('ArrowUp');
    await bob.waitForFunction(([n, [x, y]]) => {
        const s = frames.at(-1).ships.get(n);
        return Math.hypot(s.x - x, s.y - y) > 20 * rules.UNIT;
    }, [ship, before]);
    await ann.keyboard.up('ArrowUp');
    return [ann, bob];
}

async function twoHearEachOther(server) {
    const ann = await open(server), bob = await open(server);
    for (const [one, other, words] of [[ann, bob, 'Hello, Bob'],
                                       [bob, ann, 'Hello, Ann']]) {
        await one.fill('#text', words);
        await one.press('#text', 'Enter');
        await other.locator('#log li', { hasText: words }).waitFor();
    }
    return [ann, bob];
}

// ---- Who may not

/** Runs in a page: whether a socket opens. */
function attempt(url) {
    return new Promise((done) => {
        const ws = new WebSocket(url);
        ws.onopen = () => done('open');
        ws.onclose = ({ code }) => done(code);
    });
}

/** The browser tells the console, and not the page, why. */
async function isRefused(page, url, status) {
    const why = page.waitForEvent('console', (message) =>
        message.text().endsWith(`Unexpected response code: ${status}`));
    const [code] = await Promise.all([page.evaluate(attempt, url), why]);
    expect(code, 1006, 'the attempt');
}

/** A name that leads here, though it is not ours. */
async function reboundPage(server) {
    const url = server.url.replace('127.0.0.1', 'rebound.example');
    const page = await openPage(url.replace('wss', 'https'),
                                { ignoreHTTPSErrors: true });
    await page.getByText('does not answer to that name').waitFor();
    await isRefused(page, url, 421);
    await page.context().close();
}

// ---- All of them

// Of another port: from elsewhere, Chromium itself lets no page come here.
const site = https.createServer({
    key: readFileSync(join(CERTS, 'server.key')),
    cert: readFileSync(join(CERTS, 'server.pem')),
}, (request, response) => response.end('elsewhere'));
site.listen(0, '127.0.0.1');
await once(site, 'listening');
const foreign = await openPage(`https://127.0.0.1:${site.address().port}/`,
                               { ignoreHTTPSErrors: true });

for (const [program, does, ...args] of [
    ['notify_server', anEventArrives, '--post-token-file', TOKEN_FILE],
    ['ticker_server', pricesMove],
    ['game_server', aShipMoves, '--drones', '0'],
    ['broadcast_server', twoHearEachOther],
]) {
    const server = await start(program, ...args);
    const test = (name, body) =>
        check(`Chromium: ${program} over wss, ${name}`, body, 2 * CASE);
    await test('its page does what it is for', async () => {
        for (const page of await does(server)) {
            expect(await page.evaluate(attempt, server.url), 'open',
                   'another socket of the page');
            expect(page.complaints, [], 'the page\'s complaints');
            await page.context().close();
        }
    });
    await test('what is injected is dead', () => policyHolds(server));
    await test('a foreign page is refused',
               () => isRefused(foreign, server.url, 403));
    await test('another name is refused', () => reboundPage(server));
    await check(`${program} over wss, the end`, async () =>
        expect(await server.stop(), 0, 'server\'s exit status'));
}
await loadNothing('the pages over wss');
await browser.close();
finish();
