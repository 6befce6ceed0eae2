// SPDX-License-Identifier: MIT
// firefox.mjs - what each of our pages is for, in the Firefox that people have:
// at the size of a phone, and dark.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, CASE, Server, check, expect, finish, tlsArguments }
    from './kit.mjs';
import { WORK, require } from './packages.mjs';
import { Redis } from './redis.mjs';

const { firefox } = require('playwright-core');

const TOKEN = 'fedcba9876543210fedcba9876543210';
const TOKEN_FILE = join(WORK, 'firefox_token');
const WIDE = { width: 1100, height: 700 };
const PHONE = { width: 390, height: 780 };

writeFileSync(TOKEN_FILE, `${TOKEN}\n`, { mode: 0o600 });

// Through WebDriver BiDi. That cannot tell this Firefox to be dark: so it is,
// from the start.
const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath: process.env.INTEROP_FIREFOX,
    headless: true,
    firefoxUserPrefs: { 'layout.css.prefers-color-scheme.content-override': 0 },
});

const start = (program, ...args) =>
    Server.start(join(BIN, program), ['--port', '0', ...args]);

// ---- Windows

let requests = 0;
const outside = []; // what any page wanted from another host or port

/** A window of its own; `complaints` gathers what is on its console. */
async function open(server) {
    const url = server.url.replace('ws', 'http');
    const context = await browser.newContext(
        { viewport: WIDE, ignoreHTTPSErrors: true });
    context.setDefaultTimeout(40000);
    const page = await context.newPage();
    page.complaints = [];
    // Of what a policy refuses Firefox makes an error of the page, too.
    page.on('pageerror', (error) => page.complaints.push(error.message));
    page.on('console', (message) => {
        if (message.type() === 'error')
            page.complaints.push(message.text());
    });
    page.on('request', (request) => {
        requests++;
        if (new URL(request.url()).host !== new URL(url).host)
            outside.push(request.url());
    });
    await page.goto(url);
    return page;
}

const isOpen = (page) => page.locator('#status.open').waitFor();
const isLost = (page) => page.locator('#status:not(.open)').waitFor();

/** By the keys, in the window in front: otherwise no field has changed. */
async function write(page, selector, text, key) {
    await page.bringToFront();
    await page.fill(selector, '');
    await page.keyboard.type(text);
    await page.keyboard.press(key);
}

/** Looked at again and again, in a window behind another, too. */
const until = (page, condition, argument) =>
    page.waitForFunction(condition, argument, { polling: 50 });

/** Runs in the page: how much too wide it is, and how bright, of 255. */
function look() {
    let box = document.body;
    while (getComputedStyle(box).backgroundColor === 'rgba(0, 0, 0, 0)')
        box = box.parentElement;
    const [r, g, b] = getComputedStyle(box).backgroundColor.match(/\d+/g);
    return { beyond: document.documentElement.scrollWidth -
                 document.documentElement.clientWidth,
             bright: Math.max(r, g, b) };
}

/** At the end of a case: the first page is looked at, too. */
async function over(name, servers, ...pages) {
    for (const viewport of [PHONE, WIDE]) {
        await pages[0].setViewportSize(viewport);
        const { beyond, bright } = await pages[0].evaluate(look);
        expect(beyond > 0, false, `${name} scrolls sideways`);
        expect(bright < 64, true, `${name} is dark, not ${bright}`);
    }
    for (const page of pages)
        expect(page.complaints, [], 'complaints of a page');
    for (const [size, viewport] of [['phone', PHONE], ['wide', WIDE]]) {
        await pages[0].setViewportSize(viewport);
        await pages[0].screenshot( // tries a style, which is refused
            { path: join(WORK, `firefox-${name}-${size}.png`) });
    }
    for (const page of pages)
        await page.context().close();
    for (const server of servers)
        expect(await server.stop(), 0, 'server\'s exit status');
}

// ---- Cases

async function echo(...args) {
    const server = await start('echo_server', ...args);
    const page = await open(server);
    await isOpen(page);
    for (const text of ['Hello', 'Gr\u00fc\u00dfe, \u4f60\u597d \u{1f600}']) {
        await write(page, '#text', text, 'Enter');
        await page.locator('#log span', { hasText: text }).waitFor();
        expect((await page.locator('#log li').first().innerText()).replace(
            /\s+\d+\.\d ms$/, ''), text, 'the newest line, without its time');
    }
    await over('echo', [server], page);
}

/** Without this, "no complaints" could mean that none are heard of. */
async function injectedDoesNotRun() {
    const server = await start('echo_server');
    const page = await open(server);
    await isOpen(page);
    await page.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'document.title = "it ran"';
        document.body.append(script);
        console.error('complaint');
        setTimeout(() => { throw new Error('uncaught'); });
    });
    for (const complaint of [/script-src/, /complaint/, /uncaught/])
        while (!page.complaints.some((text) => complaint.test(text)))
            await page.waitForTimeout(20); // the case is bounded
    expect(page.complaints.length, 3, 'complaints');
    expect(await page.title(), 'upframe echo', 'title');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function enter(page, name) {
    await isOpen(page);
    await write(page, '#name', name, 'Tab');
}

async function say(page, text) {
    await write(page, '#text', text, 'Enter');
}

const hears = (page, name, text) => page.locator('#log li')
    .filter({ has: page.locator('.name', { hasText: name }) })
    .filter({ hasText: text }).waitFor();

async function talk(ann, bob) {
    await enter(ann, 'Ann');
    await enter(bob, 'Bob');
    await say(ann, 'Hello, Bob');
    await say(bob, 'Hello, Ann');
    for (const page of [ann, bob]) {
        await hears(page, 'Ann', 'Hello, Bob');
        await hears(page, 'Bob', 'Hello, Ann');
        expect(await page.locator('#log li.mine').count(), 1, 'own messages');
    }
}

async function chat() {
    const server = await start('broadcast_server');
    const ann = await open(server), bob = await open(server);
    await talk(ann, bob);
    expect(await ann.locator('#people li').count(), 2, 'people');
    await over('chat', [server], ann, bob);
}

async function room() {
    const redis = await Redis.start();
    const at = ['--redis', `127.0.0.1:${redis.port}`];
    const servers = [await start('broadcast_server', ...at),
                     await start('broadcast_server', ...at)];
    const ann = await open(servers[0]), bob = await open(servers[1]);
    await talk(ann, bob);
    await over('room', servers, ann, bob);
    await redis.down();
}

async function publish(server, topic, text) {
    const answer = await fetch(`http://127.0.0.1:${server.port}/${topic}`, {
        method: 'POST', body: text,
        headers: { Authorization: `Bearer ${TOKEN}` } });
    expect(answer.status, 200, 'POST');
}

async function notifications() {
    const guard = ['--post-token-file', TOKEN_FILE];
    let server = await start('notify_server', ...guard);
    const page = await open(server);
    const shows = (text) =>
        page.locator('#log li', { hasText: text }).waitFor();
    await isOpen(page);
    await publish(server, 'builds', 'main is green');
    await shows('main is green');
    expect(page.complaints, [], 'complaints of the page');

    server.process.kill('SIGKILL');
    await server.ended;
    await isLost(page);
    server = await start('notify_server', '--port', server.port, ...guard);
    await isOpen(page); // by itself
    await shows('Some events may be lost: the server has started anew');
    await publish(server, 'builds', 'main is red');
    await shows('main is red');
    page.complaints = page.complaints.filter( // of the attempts meanwhile
        (text) => !/ connection to .*ws:/.test(text));
    await over('notify', [server], page);
}

/** Runs in the page: the first curve's pixels, without its name beside it. */
function curve() {
    const { box } = layOut();
    const { width, height, data } = pen.getImageData(
        box.left, box.top, box.right - box.left, box.bottom - box.top);
    const wanted = colours.lines[0].match(/\w\w/g)
        .map((hex) => parseInt(hex, 16));
    let count = 0;
    for (let at = 0; at < 4 * width * height; at += 4)
        count += wanted.every((byte, i) => Math.abs(data[at + i] - byte) < 8);
    return count;
}

async function prices() {
    const server = await start('ticker_server', '--rate', '2000');
    const page = await open(server);
    await isOpen(page);
    const price = page.locator('#rows tr').first().locator('td').first();
    await price.filter({ hasText: /\d/ }).waitFor();
    const before = await price.textContent();
    await until(page, ([e, text]) => e.textContent !== text,
                [await price.elementHandle(), before]);
    while (await page.evaluate(curve) < 100) // it grows; the case is bounded
        await page.waitForTimeout(100);
    await over('ticker', [server], page);
}

async function game() {
    const server = await start('game_server', '--drones', '0');
    const ann = await open(server), bob = await open(server);
    for (const [page, name] of [[ann, 'Ann'], [bob, 'Bob']]) {
        await isOpen(page);
        await write(page, '#name', name, 'Enter');
        await until(page, () => mine !== null);
    }
    const her = await ann.evaluate(() => me);
    const seen = await bob.evaluate((n) => frames.at(-1).ships.get(n), her);
    await ann.bringToFront();
    await ann.keyboard.down('ArrowUp');
    await until(bob, ([n, { x, y }]) => {
        const ship = frames.at(-1).ships.get(n);
        return (ship.hands & GO) !== 0 &&
            Math.hypot(ship.x - x, ship.y - y) > 20 * rules.UNIT;
    }, [her, seen]);
    await ann.keyboard.up('ArrowUp');
    await until(bob, (n) => (frames.at(-1).ships.get(n).hands & GO) === 0, her);
    await until(bob, () => stats.rendered > 10);
    await over('game', [server], ann, bob);
}

const test = (name, body) => check(`Firefox: ${name}`, body, 2 * CASE);

await test('what is sent comes back', () => echo());
await test('over TLS, too', () => echo(...tlsArguments()));
await test('what is injected is dead', injectedDoesNotRun);
await test('two people talk', chat);
if (process.env.INTEROP_REDIS)
    await test('two people talk in a room of two processes', room);
await test('events arrive, and a restart is a gap', notifications);
await test('prices move, and are drawn', prices);
await test('a ship moves in the other window', game);
await test('the pages load nothing from elsewhere', async () => {
    expect(requests > 0, true, 'requests were seen');
    expect(outside, [], 'what was loaded from elsewhere');
});
await browser.close();
finish();
