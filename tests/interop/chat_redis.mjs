// SPDX-License-Identifier: MIT
// chat_redis.mjs - two pages on two processes of broadcast_server --redis, in a
// headless Chromium; Redis goes away and comes back.

import { connect } from 'node:net';
import { join } from 'node:path';
import { BIN, CASE, Server, check, expect, finish } from './kit.mjs';
import { browser, everyPage, isOpen, loadNothing, openPage }
    from './pagekit.mjs';
import { WORK } from './packages.mjs';
import { Redis } from './redis.mjs';

const PATIENCE = 40000;
const SIZES = {
    wide: { width: 1100, height: 700 },
    phone: { width: 390, height: 780 },
    narrow: { width: 320, height: 640 },
};

// ---- Pages

const start = (redis, port = 0) => Server.start(join(BIN, 'broadcast_server'),
    ['--port', String(port), '--redis', `127.0.0.1:${redis.port}`]);

async function open(server, name) {
    const page = await openPage(server.url.replace('ws', 'http'),
                                { patience: PATIENCE });
    if (name !== undefined) {
        await page.fill('#name', name);
        await page.press('#name', 'Tab');
    }
    return page;
}

const isCutOff = (page) =>
    page.locator('#status', { hasText: 'cut off' }).waitFor();

async function say(page, text) {
    await page.fill('#text', text);
    await page.press('#text', 'Enter');
}

const hears = (page, text) =>
    page.locator('#log li p', { hasText: text }).first().waitFor();
const heard = (page) => page.locator('#log li p').allTextContents();

async function shots(page, name) {
    for (const scheme of ['light', 'dark'])
        for (const [size, viewport] of Object.entries(SIZES)) {
            await page.emulateMedia({ colorScheme: scheme });
            await page.setViewportSize(viewport);
            const overflow = await page.evaluate(() =>
                document.documentElement.scrollWidth - window.innerWidth);
            expect(overflow > 0, false, `${size} page scrolls sideways`);
            await page.screenshot(
                { path: join(WORK, `${name}-${scheme}-${size}.png`) });
        }
    await page.setViewportSize(SIZES.wide);
}

async function over(servers, ...pages) {
    for (const page of pages)
        await page.context().close();
    for (const server of servers)
        expect(await server.stop(), 0, 'server\'s exit status');
}

// ---- Cases

const hostile = '<img src=x onerror="document.title=1"> & said 1-1 k\nkept x';

async function twoProcessesAreOneRoom() {
    const redis = await Redis.start();
    const servers = [await start(redis), await start(redis)];
    const ann = await open(servers[0], 'Ann');
    const bob = await open(servers[1], 'Bob');
    await isOpen(ann);
    await isOpen(bob);
    await ann.getByText('Nothing was said here yet').waitFor();
    await shots(ann, 'room-empty');
    await say(ann, 'Hello, Bob');
    await hears(bob, 'Hello, Bob');
    await say(bob, 'Hello, Ann \u{1f44b}');
    await hears(ann, 'Hello, Ann');
    await say(bob, hostile);
    await hears(ann, '<img src=x onerror');
    expect(await ann.locator('#log p').last().textContent(), hostile,
           'hostile text');
    await say(ann, 'A long message. '.repeat(30).trim());
    await hears(bob, 'A long message');
    await hears(ann, 'A long message');
    expect(await heard(ann), await heard(bob), 'order on the other page');
    const mine = await ann.locator('#log li.mine').count();
    expect(mine, 2, 'messages of Ann on her own page');
    expect(await bob.locator('#log li.mine').count(), 2, 'of Bob on his');
    expect(await ann.title(), 'upframe chat', 'title after hostile text');
    await shots(ann, 'room');

    const late = await open(servers[1]);
    await hears(late, 'A long message');
    expect(await heard(late), await heard(ann), 'what who comes late is told');
    for (const page of [ann, bob, late])
        expect(page.complaints, [], 'complaints of a page');
    await over(servers, ann, bob, late);
    await redis.down();
}

/** What a name would be as HTML is seen as it was written. */
async function namesAreText() {
    const redis = await Redis.start();
    const server = await start(redis);
    const ann = await open(server, 'Ann');
    await isOpen(ann);
    for (const name of ['<b>x</b>', '<img src=x onerror=ran()>']) {
        const eve = await open(server, name);
        await isOpen(eve);
        await say(eve, `from ${name}`);
        for (const page of [ann, eve]) {
            await hears(page, `from ${name}`);
            expect(await page.locator('#log .name').last().textContent(), name,
                   'who spoke');
            expect(await page.locator('.name *').count(), 0,
                   'elements that came from a name');
            expect(page.complaints, [], 'complaints of a page');
        }
        await eve.context().close();
    }
    await over([server], ann);
    await redis.down();
}

async function redisGoesAndComesBack() {
    const redis = await Redis.start();
    const servers = [await start(redis), await start(redis)];
    const ann = await open(servers[0], 'Ann');
    const bob = await open(servers[1], 'Bob');
    await isOpen(ann);
    await isOpen(bob);
    await say(ann, 'before');
    await hears(bob, 'before');

    await redis.down();
    await isCutOff(ann);
    await isCutOff(bob);
    await say(ann, 'written meanwhile');
    await say(ann, 'and this');
    await ann.locator('#outbox li', { hasText: 'waits: and this' }).waitFor();
    expect(await heard(bob), ['before'], 'what Bob sees meanwhile');
    await shots(ann, 'room-cut-off');

    expect(await redis.up(), true, 'Redis is up again');
    await isOpen(ann); // by itself
    await isOpen(bob);
    await hears(bob, 'and this');
    await hears(ann, 'and this');
    const all = ['before', 'written meanwhile', 'and this'];
    expect(await heard(bob), all, 'what Bob sees then');
    expect(await heard(ann), all, 'what Ann sees then');
    await ann.locator('#outbox li').waitFor({ state: 'detached' });
    expect(await ann.locator('#log .note').count(), 0, 'notes');
    await shots(ann, 'room-healed');
    for (const page of [ann, bob])
        expect(page.complaints, [], 'complaints of a page');
    await over(servers, ann, bob);
    await redis.down();
}

/** What was said meanwhile is fetched; what was written is sent once. */
async function serverGoesAndComesBack() {
    const redis = await Redis.start();
    const servers = [await start(redis), await start(redis)];
    const ann = await open(servers[0], 'Ann');
    const bob = await open(servers[1], 'Bob');
    await isOpen(ann);
    await isOpen(bob);
    await say(bob, 'before');
    await hears(ann, 'before');
    servers[0].process.kill('SIGKILL');
    await servers[0].ended;
    await ann.locator('#retry').waitFor();
    await say(ann, 'written meanwhile');
    await say(bob, 'said meanwhile');
    await hears(bob, 'said meanwhile');
    servers[0] = await start(redis, servers[0].port);
    await hears(bob, 'written meanwhile');
    await hears(ann, 'written meanwhile');
    const all = ['before', 'said meanwhile', 'written meanwhile'];
    expect(await heard(ann), all, 'what Ann sees');
    expect(await heard(bob), all, 'what Bob sees');
    await over(servers, ann, bob);
    await redis.down();
}

/** Redis takes any id: one beyond the dates of JavaScript has no time. */
async function idsMayBeBeyondDates() {
    const redis = await Redis.start();
    const server = await start(redis);
    const ann = await open(server, 'Ann');
    await isOpen(ann);
    const socket = connect(redis.port, '127.0.0.1');
    socket.end('XADD {upframe:chat} 8640000000000001-0 text far\r\n');
    await hears(ann, 'far');
    expect(await ann.locator('#log time').textContent(), '', 'its time');
    expect(ann.complaints, [], 'complaints of the page');
    socket.destroy();
    await over([server], ann);
    await redis.down();
}

const test = (name, body) => check(`Chromium: ${name}`, body, 2 * CASE);

await test('two processes are one room', twoProcessesAreOneRoom);
await test('a room shows names as text', namesAreText);
await test('a room shows what has an id beyond all dates',
           idsMayBeBeyondDates);
await test('a room is cut off from Redis, and healed', redisGoesAndComesBack);
await test('a room goes on at a server that was killed',
           serverGoesAndComesBack);
const redis = await Redis.start();
await everyPage('room', () => start(redis),
                { question: '/ping', answer: 'pong' });
await redis.down();
await loadNothing('the room\'s pages');
await browser.close();
finish();
