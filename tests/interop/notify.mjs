// SPDX-License-Identifier: MIT
// notify.mjs - the page of notify_server in a headless Chromium.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, CASE, Server, check, expect, finish } from './kit.mjs';
import { browser, everyPage, isOpen as connected, loadNothing,
         namesAreReadable, openPage, relay } from './pagekit.mjs';
import { WORK } from './packages.mjs';

const TOKEN = '0123456789abcdef0123456789abcdef';
const TOKEN_FILE = join(WORK, 'notify_token');
const SIZES = {
    wide: { width: 1100, height: 700 },
    phone: { width: 390, height: 780 },
    narrow: { width: 320, height: 640 },
};

writeFileSync(TOKEN_FILE, `${TOKEN}\n`, { mode: 0o600 });

const start = (port = 0) => Server.start(
    join(BIN, 'notify_server'),
    ['--port', String(port), '--post-token-file', TOKEN_FILE]);

async function publish(server, topic, text) {
    const answer = await fetch(`http://127.0.0.1:${server.port}/${topic}`, {
        method: 'POST', body: text,
        headers: { Authorization: `Bearer ${TOKEN}` } });
    expect(answer.status, 200, 'POST');
}

async function open(port, options = {}) {
    const page = await openPage(`http://127.0.0.1:${port}/`, options);
    await connected(page);
    return page;
}

const shows = (page, text) =>
    page.locator('#log li', { hasText: text }).first().waitFor();

const texts = (page) => page.evaluate(() =>
    [...document.querySelectorAll('#log li:not([hidden]) p')]
        .map((p) => p.textContent));

/** As if another window were in front. */
async function look(page, isLooking) {
    await page.evaluate((looks) => {
        document.hasFocus = () => looks;
        window.dispatchEvent(new Event(looks ? 'focus' : 'blur'));
    }, isLooking);
}

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
}

// ---- Cases

async function eventsArrive() {
    const server = await start();
    const html = '<img src=x onerror="document.title=\'hacked\'"><b>bold</b>';
    await publish(server, 'builds', 'main is green');
    const one = await open(server.port), two = await open(server.port);
    for (const page of [one, two]) {
        await shows(page, 'main is green');
        await shows(page, 'last known');
    }
    await publish(server, 'deploys', html);
    await publish(server, 'builds', 'release\nis red');
    for (const page of [one, two]) {
        await shows(page, 'is red');
        expect(await texts(page), ['release\nis red', html, 'main is green'],
               'the events');
        expect(await page.locator('#log img, #log b').count(), 0,
               'elements that came from a text');
        expect(await page.title(), 'upframe notify', 'title');
    }

    await look(one, false);
    for (let n = 1; n <= 7; n++)
        await publish(server, ['files', 'load', 'builds'][n % 3],
                      `event ${n}: ${'words '.repeat(n * 4)}`);
    await shows(one, 'event 7');
    expect(await one.title(), '(7) upframe notify', 'title when unread');
    await shots(one, 'notify');
    await look(one, true);
    expect(await one.title(), 'upframe notify', 'title when read');
    expect(await one.locator('.fresh').count(), 7, 'marked events');
    await look(one, false);
    expect(await one.locator('.fresh').count(), 0, 'marked ones, afterwards');
    for (const page of [one, two]) {
        expect(page.complaints, [], 'the page\'s complaints');
        await page.context().close();
    }
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** By keyboard alone, and by the names that a screen reader has. */
async function topicsAreChosen() {
    const server = await start();
    for (const topic of ['a', 'b', 'c'])
        await publish(server, topic, `first ${topic}`);
    const page = await open(server.port);
    await shows(page, 'first c');
    const all = page.getByRole('checkbox', { name: /all topics/ });
    const box = (name) => page.getByRole('checkbox', { name, exact: true });
    expect(await box('b').isDisabled(), true, 'a topic while all are followed');
    for (let n = 0; n < 10 && !await all.evaluate(
            (e) => e === document.activeElement); n++)
        await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    expect(await all.isChecked(), false, 'all topics');
    expect(await box('b').isChecked(), true, 'b');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    expect(await box('b').isChecked(), false, 'b, after the space bar');
    await publish(server, 'b', 'not shown');
    await publish(server, 'd', 'nor this');
    await publish(server, 'a', 'second a');
    await shows(page, 'second a');
    expect(await texts(page), ['second a', 'first c', 'first a'],
           'events of two topics');
    await page.reload();
    await connected(page);
    await shows(page, 'second a');
    expect((await texts(page)).sort(), ['first c', 'second a'],
           'after a reload');
    await box('b').check();
    await shows(page, 'not shown');
    await all.check();
    await shows(page, 'nor this');
    expect(await page.getByRole('log', { name: 'Events' }).count(), 1, 'log');
    expect(page.complaints, [], 'the page\'s complaints');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function nothingIsMissed() {
    const server = await start();
    const between = await relay(server.port);
    const page = await open(between.port);
    const wanted = [];
    for (let round = 0; round < 5; round++) {
        for (let n = 0; n < 3; n++) {
            wanted.unshift(`event ${wanted.length}`);
            await publish(server, `t${n}`, wanted[0]);
        }
        if (round === 2) { // for a while
            between.down();
            await page.locator('#retry').waitFor();
            await page.screenshot({ path: join(WORK, 'notify-lost.png') });
            wanted.unshift(`event ${wanted.length}`);
            await publish(server, 'while-away', wanted[0]);
            await between.up();
            await page.getByRole('button', { name: /Try now/ }).click();
        } else {
            between.cut();
            await page.locator('#retry').click();
        }
        await connected(page);
    }
    await shows(page, wanted[0]);
    expect(await texts(page), wanted, 'all events, once, in order');
    between.down();
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function aRestartIsAGap() {
    let server = await start();
    const page = await open(server.port);
    await publish(server, 'a', 'before');
    await shows(page, 'before');
    server.process.kill('SIGKILL');
    await page.locator('#retry').waitFor();
    server = await start(server.port);
    await publish(server, 'a', 'after');
    await page.locator('#retry').click().catch(() => {});
    await connected(page);
    await shows(page, 'Some events may be lost: the server has started anew');
    await shows(page, 'after');
    expect(await texts(page), ['after', 'before'], 'events');
    await page.screenshot({ path: join(WORK, 'notify-gap.png') });
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function systemNotifications() {
    const server = await start();
    const page = await open(server.port, { permissions: ['notifications'] });
    await page.evaluate(() => {
        window.shown = [];
        window.Notification = class {
            static permission = 'default';
            static async requestPermission() {
                return this.permission = 'granted';
            }
            constructor(title, { body }) { window.shown.push([title, body]); }
        };
    });
    await page.getByRole('button', { name: 'System notifications' }).click();
    await page.getByRole('button', { name: 'System notifications: on',
                                     pressed: true }).waitFor();
    await publish(server, 'a', 'seen');
    await shows(page, 'seen');
    await look(page, false);
    await publish(server, 'a', 'unseen');
    await shows(page, 'unseen');
    expect(await page.evaluate(() => window.shown), [['a', 'unseen']],
           'notifications');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** Who refuses is not asked again, and a choice from before is not kept. */
async function notificationsAreRefused() {
    const server = await start();
    const page = await openPage(`http://127.0.0.1:${server.port}/`, {
        before: (p) => p.addInitScript(() => {
            window.asked = 0;
            window.shown = 0;
            window.Notification = class {
                static permission = sessionStorage.getItem('p') ?? 'default';
                static async requestPermission() {
                    window.asked++;
                    sessionStorage.setItem('p', 'denied');
                    return this.permission = 'denied';
                }
                constructor() { window.shown++; }
            };
        }) });
    await connected(page);
    const isBlocked = async (when) => {
        const blocked = page.getByRole('button', {
            name: 'System notifications are blocked in this browser',
            pressed: false });
        await blocked.waitFor();
        expect(await blocked.isDisabled(), true, `the button is off, ${when}`);
    };
    await page.getByRole('button', { name: 'System notifications: off',
                                     pressed: false }).click();
    await isBlocked('after a refusal');
    const saved = () => page.evaluate(
        () => localStorage.getItem('notify alerts'));
    expect([await page.evaluate(() => window.asked), await saved()],
           [1, 'false'], 'times asked, and the choice that is kept');

    await page.evaluate(() => localStorage.setItem('notify alerts', 'true'));
    await page.reload(); // allowed once, and refused since
    await connected(page);
    await isBlocked('after a reload');
    await look(page, false);
    await publish(server, 'a', 'unseen');
    await shows(page, 'unseen');
    expect(await page.evaluate(() => [window.asked, window.shown]), [0, 0],
           'times asked, and notifications');
    expect(page.complaints, [], 'the page\'s complaints');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** What is lost, and why, if the server said so, is in the log. */
async function theLogTellsOfALoss() {
    const server = await start();
    const between = await relay(server.port);
    const page = await open(between.port);
    const notes = page.locator('#log .note');
    between.down(); // and several attempts that fail are one loss
    await page.locator('#retry').click();
    await page.locator('#retry').click();
    await between.up();
    await page.locator('#retry').click({ timeout: 2000 }).catch(() => {});
    await connected(page);
    await publish(server, 'a', 'heard');
    await shows(page, 'heard');
    expect(await notes.allTextContents(), ['connection lost'], 'notes');
    expect(await server.stop(), 0, 'server\'s exit status');
    await page.locator('#retry').waitFor();
    await notes.nth(1).waitFor();
    expect(await notes.allTextContents(), [
        'connection lost: server is shutting down', 'connection lost'],
           'notes after the server\'s end');
    between.down();
    await page.context().close();
}

async function theLogIsBounded() {
    const server = await start();
    const page = await open(server.port);
    await publish(server, 'a', 'first');
    await shows(page, 'first');
    await namesAreReadable(page, '#topics .name');
    await namesAreReadable(page, '#log .name');
    await page.evaluate(() => {
        const [run, number] = last.id.split('-');
        for (let n = 1; n <= 600; n++)
            onMessage(`event ${run}-${Number(number) + n} a 0\nevent ${n}`);
    });
    await shows(page, 'event 600');
    expect(await page.evaluate(() => [$('log').childElementCount, rows.size]),
           [500, 500], 'events on the page, and what is known of them');
    await look(page, false);
    await page.evaluate(() =>
        onMessage(`event ${last.id.split('-')[0]}-9999 a 0\nunseen`));
    await page.locator('.fresh').waitFor();
    await namesAreReadable(page, '#log .fresh .name');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** Any page may send a POST here; but not as an event. */
async function aForeignPageCannotPost() {
    const server = await start();
    const page = await open(server.port);
    const context = await browser.newContext();
    const foreign = await context.newPage();
    await foreign.route('http://evil.example/', (route) => route.fulfill(
        { contentType: 'text/html', body: '<title>evil</title>' }));
    await foreign.goto('http://evil.example/');
    const outcome = await foreign.evaluate(async ([url, token]) => {
        const plain = await fetch(url, { method: 'POST', mode: 'no-cors',
                                         body: 'evil' })
            .then((r) => r.type, () => 'failed');
        const told = await fetch(url, { method: 'POST', body: 'evil',
            headers: { Authorization: `Bearer ${token}` } })
            .then((r) => r.type, () => 'failed');
        return [plain, told];
    }, [`http://127.0.0.1:${server.port}/a`, TOKEN]);
    expect(outcome[1], 'failed', 'a POST with the token');
    await publish(server, 'a', 'good');
    await shows(page, 'good');
    expect(await texts(page), ['good'], 'events');
    await context.close();
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

const test = (name, body) => check(`Chromium: notify, ${name}`, body, 2 * CASE);

await test('events arrive, and are counted', eventsArrive);
await test('topics are chosen', topicsAreChosen);
await test('nothing is missed when connections are cut', nothingIsMissed);
await test('a restart is a gap', aRestartIsAGap);
await test('system notifications', systemNotifications);
await test('system notifications are refused', notificationsAreRefused);
await test('the log tells of a loss', theLogTellsOfALoss);
await test('the log is bounded, and readable', theLogIsBounded);
await test('a foreign page cannot post', aForeignPageCannotPost);
await everyPage('notify', start, { question: 'ping', answer: 'pong' });
await loadNothing('notify\'s pages');
await browser.close();
finish();
