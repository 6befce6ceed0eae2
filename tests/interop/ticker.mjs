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

/** Runs in the page: the texts of the plot, and the colours of its curves. */
function readPlot() {
    const texts = [];
    const old = pen.fillText;
    pen.fillText = function (text, x, y, ...rest) {
        texts.push({ text, x, y, align: pen.textAlign, colour: pen.fillStyle });
        old.call(this, text, x, y, ...rest);
    };
    draw();
    pen.fillText = old;
    const { box, lines, y, step, from, to } = layOut();
    const hex = (colour) => {
        pen.fillStyle = colour;
        return pen.fillStyle;
    };
    const at = (value) => pen.getImageData(
        (box.right - 2) * devicePixelRatio,
        Math.floor(y(value) * devicePixelRatio), 1, 1).data;
    const number = ({ text }) => Number(text.replace('\u2212', '-'));
    const left = texts.filter((t) => t.align === 'right');
    const times = texts.filter((t) => t.align === 'center');
    return {
        title: texts.filter((t) => t.align === 'left' && t.y < box.top)
            .map((t) => t.text),
        values: left.map((t) => t.text),
        apart: left.slice(1).every((t, i) => Math.abs(
            number(t) - number(left[i]) - step) < step / 100),
        offValues: Math.max(...left.map((t) => Math.abs(y(number(t)) - t.y))),
        times: times.map((t) => t.text),
        offTimes: times.map((t) => [t.text, new Date(1000 * Math.round((from -
            ahead + (t.x - box.left) / (box.right - box.left) * (to - from)) /
            1000)).toLocaleTimeString('en-GB')]).filter(([a, b]) => a !== b),
        names: texts.filter((t) => t.x > box.right && t.align === 'left')
            .sort((a, b) => a.y - b.y).map((t) => [t.text, t.colour]),
        table: Object.fromEntries([...document.querySelectorAll('#rows th')]
            .map((e) => [e.firstChild.textContent,
                hex(getComputedStyle(e, '::before').backgroundColor)])),
        curves: Object.fromEntries(lines.map(({ w, points }) => [
            w.name, hex(`rgb(${[...at(points.at(-1).value)].slice(0, 3)})`)])),
    };
}

const plain = (text) => text.replace(/\s/g, ' ');

async function plotIsDrawn() {
    const server = await startFed(
        'UP 100\nUP 110\nDOWN 200\nDOWN 190\nSAME 50\nSAME 50\n');
    const page = await open(server);
    for (const [name, className, change] of [
        ['UP', 'change up', '\u25b2 +10.00 %'], ['SAME', 'change', '0.00 %'],
        ['DOWN', 'change down', '\u25bc \u22125.00 %']]) {
        const cell = row(page, name).locator('.change');
        await cell.filter({ hasText: '0 %' }).waitFor();
        expect(plain(await cell.textContent()), change, `change of ${name}`);
        expect((await cell.getAttribute('class')).trim(), className,
               `class of ${name}'s change`);
    }
    await page.waitForFunction(() => [...watched.values()].every(
        (w) => w.points.at(-1).time < serverNow() - 500)); // a curve to see
    for (const [scale, title, some] of [
        ['change', '% since the opening', [/^0$/, /^\+10$/, /^\u2212\d$/]],
        ['price', 'price', [/^100$/, /^\d\d$/, /^1[2-9]0$/]]]) {
        await page.selectOption('#scale', scale);
        const seen = await page.evaluate(readPlot);
        expect(seen.title, [title], 'what the values are');
        expect(some.filter((like) => !seen.values.some((v) => like.test(v))),
               [], `values that are not among ${seen.values}`);
        expect([seen.apart, seen.offValues < 1, seen.offTimes],
               [true, true, []], 'places of values and times');
        expect(seen.times.length > 2 && seen.times.every(
            (text) => /^\d\d:\d\d:\d\d$/.test(text)), true,
               `times below the plot: ${seen.times}`);
        expect(Object.fromEntries(seen.names), seen.table, 'colours of names');
        expect(seen.curves, seen.table, 'colours of curves');
        expect(seen.names.map(([name]) => name), scale === 'change'
            ? ['UP', 'SAME', 'DOWN'] : ['DOWN', 'UP', 'SAME'],
               'names from above');
    }

    const box = await page.locator('#canvas').boundingBox();
    const tip = async (x) => {
        await page.mouse.move(box.x + x, box.y + box.height / 2);
        await page.locator('#tip').waitFor();
        return (await page.locator('#tip p').allTextContents()).map(plain);
    };
    const [time, ...rows] = await tip(box.width - 20);
    expect(/^\d\d:\d\d:\d\d$/.test(time), true, `'${time}' is a time`);
    expect(rows, ['DOWN 190.00 (\u22125.00 %)', 'UP 110.00 (+10.00 %)',
                  'SAME 50.00 (0.00 %)'], 'the tip at the right');
    await page.selectOption('#scale', 'change');
    expect((await tip(box.width - 21)).slice(1).map((r) => r.split(' ')[0]),
           ['UP', 'SAME', 'DOWN'], 'the tip by change');
    await page.mouse.move(0, 0);
    await page.locator('#tip').waitFor({ state: 'hidden' });
    expect(page.complaints, [], 'complaints of the page');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function ratesAreShown() {
    const server = await start('--port', '0');
    const page = await open(server);
    await moves(page, 'ACME');
    for (const what of ['frames', 'prices'])
        await page.locator(`#${what}`, { hasText: /^[1-9]\d*\/s$/ })
            .waitFor();
    const told = await page.evaluate(() => { // of two seconds
        second = { since: performance.now() - 2000, frames: 20, prices: 100,
                   spared: 6, bytes: 5000, delays: [30, 10, 20] };
        showMeasures();
        return ['delay', 'frames', 'prices', 'spared', 'bytes'].map(
            (id) => $(id).textContent);
    });
    expect(told, ['20 ms', '10/s', '50/s', '3/s', '2.5 kB/s'], 'measures');
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
await test('ticker page draws its plot', plotIsDrawn);
await test('ticker page shows how much comes', ratesAreShown);
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
