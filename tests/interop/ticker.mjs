// SPDX-License-Identifier: MIT
// ticker.mjs - the page of ticker_server in a headless Chromium.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, CASE, Server, check, expect, finish } from './kit.mjs';
import { browser, everyPage, loadNothing, openPage } from './pagekit.mjs';
import { WORK } from './packages.mjs';

const SIZES = {
    wide: { width: 1100, height: 700 },
    phone: { width: 390, height: 780 },
    narrow: { width: 320, height: 640 },
};

const start = (...args) => Server.start(
    join(BIN, 'ticker_server'), ['--rate', '2000', ...args]);

async function open(server) {
    const page = await openPage(server.url.replace('ws', 'http'));
    await page.locator('#status.open').waitFor();
    return page;
}

const row = (page, name) => page.locator('#rows tr').filter(
    { has: page.locator('th', { hasText: name }) });

const chosen = (page) => page.locator('#rows th').evaluateAll((heads) =>
    heads.map((head) => head.firstChild.textContent));

/** The price of a symbol is another one soon. */
async function moves(page, name) {
    const last = row(page, name).locator('td').first();
    await page.waitForFunction((e) => /\d/.test(e.textContent),
                               await last.elementHandle());
    const before = await last.textContent();
    await page.waitForFunction(([e, text]) => e.textContent !== text,
                               [await last.elementHandle(), before]);
}

async function add(page, name) {
    await page.fill('#symbol', name);
    await page.press('#symbol', 'Enter');
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
    await page.setViewportSize(SIZES.wide);
}

async function prices() {
    const server = await start('--port', '0');
    const page = await open(server);
    await row(page, 'ACME').waitFor();
    expect(await chosen(page), ['ACME', 'AURA', 'BASK', 'BOLT', 'BRIO'],
           'symbols of a first visit');
    await moves(page, 'ACME');
    await page.getByText(/^\d+ ms$/).waitFor(); // the measured delay

    await add(page, 'zest');
    await moves(page, 'ZEST');
    await add(page, 'NOPE<b>');
    await page.getByText('There is no symbol NOPE<b> here.').waitFor();
    await page.getByRole('button', { name: 'Remove BOLT' }).click();
    const wanted = ['ACME', 'AURA', 'BASK', 'BRIO', 'ZEST'];
    expect(await chosen(page), wanted, 'symbols after a change');

    const box = await page.locator('#canvas').boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.locator('#tip').waitFor();
    await page.focus('#canvas');
    await page.keyboard.press('End');
    const spoken = await page.locator('#spoken').textContent();
    expect(/^\d\d:\d\d:\d\d: ACME [\d.,]+ \([+\u2212]?\d/.test(
        spoken.replace(/: .*?(?=ACME)/, ': ')), true,
        `'${spoken}' is a reading`);
    await shots(page, 'ticker');

    await page.reload(); // the choice is remembered
    await moves(page, 'ZEST');
    expect(await chosen(page), wanted, 'symbols after a reload');
    expect(page.complaints, [], 'complaints of the page');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function comesBack(signal) {
    let server = await start('--port', '0');
    const page = await open(server);
    await moves(page, 'ACME');
    server.process.kill(signal);
    await server.ended;
    await page.locator('#status', { hasText: 'not connected' }).waitFor();
    server = await start('--port', String(server.port));
    await page.locator('#status.open').waitFor(); // by itself
    await moves(page, 'ACME');
    await shots(page, 'ticker-back');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** A market that begins anew opens elsewhere: what was drawn stays as it was. */
async function keepsItsCurve() {
    const feed = join(WORK, 'ticker.feed');
    const values = (page) => page.evaluate(() => layOut().lines[0].points
        .map((p) => p.value).filter((v) => !Number.isNaN(v)));
    writeFileSync(feed, 'ACME 1000\nACME 1010\n');
    const startFed = (port) => Server.start(
        join(BIN, 'ticker_server'), ['--port', String(port), '--feed', feed]);
    let server = await startFed(0);
    const page = await open(server);
    await row(page, 'ACME').getByText('1,010').waitFor();
    await server.stop();
    await page.locator('#status:not(.open)').waitFor();
    writeFileSync(feed, 'ACME 20\nACME 21\n');
    server = await startFed(server.port);
    await row(page, 'ACME').getByText('21.00').waitFor();
    const rounded = new Set((await values(page)).map((v) => v.toFixed(3)));
    expect([...rounded], ['1.000', '5.000'], 'percent since each opening');
    await page.context().close();
    await server.stop();
}

/** Prices from a file; the server is up when they are in. */
const startFed = (lines) => {
    const feed = join(WORK, 'ticker.feed');
    writeFileSync(feed, lines);
    return Server.start(join(BIN, 'ticker_server'),
                        ['--port', '0', '--feed', feed]);
};

async function twoSeeTheSame() {
    const server = await start('--port', '0');
    const pages = [await open(server), await open(server)];
    let common = [];
    while (common.length < 20) { // the case is bounded
        const [a, b] = await Promise.all(pages.map((page) => page.evaluate(
            () => [...watched.values()].flatMap((w) => w.points.map(
                (p) => [`${w.name} ${p.time}`, p.price])))));
        const other = new Map(b);
        common = a.filter(([when]) => other.has(when))
            .map(([when, price]) => [when, price, other.get(when)]);
    }
    expect(common.filter(([, one, two]) => one !== two), [],
           'prices that differ');
    for (const page of pages)
        await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** What is older than the plot shows goes. */
async function pointsAreBounded() {
    const server = await start('--port', '0');
    const page = await open(server);
    await moves(page, 'ACME');
    await page.evaluate(() => {
        const w = watched.get('ACME');
        const old = Array.from({ length: 5000 }, (_, n) => ({
            time: serverNow() - 2 * KEEP_MS + n, price: 1, open: 1 }));
        w.points.unshift(...old);
    });
    await page.waitForFunction(() => watched.get('ACME').points.every(
        (p) => p.time > serverNow() - KEEP_MS - 60000));
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** Runs in the page: how far the plot's texts at the left are cut off. */
function cutOff() {
    const old = pen.fillText;
    let most = 0;
    pen.fillText = function (text, x, ...rest) {
        if (pen.textAlign === 'right')
            most = Math.max(most, pen.measureText(text).width - x);
        old.call(this, text, x, ...rest);
    };
    draw();
    pen.fillText = old;
    return most;
}

async function oddPrices() {
    const server = await startFed('NEG -5\nNEG -24\nBIG 1\n' +
        'BIG 123456789012345\nUP 100\nUP 2200\nNONE -0\nTINY -0.0000004\n' +
        'LESS -0.000000001\nRISE -5\nRISE -4\n');
    const page = await open(server);
    await row(page, 'NEG').getByText('\u2212380.00').waitFor();
    expect(await row(page, 'NEG').locator('.change.down').count(), 1,
           'what fell below a negative opening is down');
    for (const [name, price, change] of [
        ['NEG', '-24.00', '\u25bc \u2212380.00'], ['NONE', '0.00', '0.00'],
        ['TINY', '-0.00000040', '0.00'], ['LESS', '0.00000000', '0.00']]) {
        await add(page, name);
        await row(page, name).getByText(price, { exact: true }).waitFor();
        expect(await row(page, name).locator('.change').textContent(),
               `${change}\u00a0%`, `${name}'s change`);
    }
    await add(page, 'RISE');
    await row(page, 'RISE').locator('.change.up', { hasText: '+20' }).waitFor();
    await row(page, 'BIG').getByText('123,456,789,012,345').waitFor();
    for (const viewport of Object.values(SIZES)) {
        await page.setViewportSize(viewport);
        expect(await page.locator('aside').evaluate((e) =>
            e.scrollWidth > e.clientWidth), false,
               `${viewport.width}: the table is cut off`);
        await page.screenshot(
            { path: join(WORK, `ticker-odd-${viewport.width}.png`),
              fullPage: true });
    }
    for (const name of ['BIG', 'UP']) { // first both, then the 2000 %
        expect(await page.evaluate(cutOff), 0, 'texts that are cut off');
        await page.getByRole('button', { name: `Remove ${name}` }).click();
    }

    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

const test = (name, body) => check(`Chromium: ${name}`, body, 2 * CASE);

await test('ticker page shows prices', prices);
await test('ticker page comes back after a restart',
           () => comesBack('SIGTERM'));
await test('ticker page comes back after a crash', () => comesBack('SIGKILL'));
await test('ticker page keeps its curve when the market begins anew',
           keepsItsCurve);
await test('ticker pages see the same prices', twoSeeTheSame);
await test('ticker page keeps no more than it shows', pointsAreBounded);
await test('ticker page shows odd prices', oddPrices);
await everyPage('ticker', () => start('--port', '0'), { quietMs: 4000 });
await loadNothing('ticker\'s pages');
await browser.close();
finish();
