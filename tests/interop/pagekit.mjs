// SPDX-License-Identifier: MIT
// pagekit.mjs - what the suites of our pages share: a browser, pages of which
// all is noted, a network that fails, and what is asked of every page.

import net from 'node:net';
import { once } from 'node:events';
import { CASE, check, expect } from './kit.mjs';
import { require } from './packages.mjs';

const { chromium } = require('playwright-core');

export const browser = await chromium.launch({
    executablePath: process.env.INTEROP_CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
           '--disable-background-networking', '--disable-component-update',
           '--disable-sync',
           // A name that its owner has led here: see host.c.
           '--host-resolver-rules=MAP rebound.example 127.0.0.1'],
});

let requests = 0;
const outside = []; // what any page wanted from another host or port

/**
 * A page of its own context; `complaints` gathers what it reports, `frames`
 * what goes over its WebSockets: [sent, data].
 */
export async function openPage(url, options = {}) {
    const { patience = 40000, before, ...rest } = options;
    const context = await browser.newContext(
        { viewport: { width: 1100, height: 700 }, ...rest });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    const { host } = new URL(url);
    page.complaints = [];
    page.frames = [];
    page.on('pageerror', (error) => page.complaints.push(error.message));
    page.on('console', (message) => {
        if (message.type() === 'error')
            page.complaints.push(message.text());
    });
    page.on('request', (request) => {
        requests++;
        if (new URL(request.url()).host !== host)
            outside.push(request.url());
    });
    page.on('websocket', (ws) => {
        ws.on('framesent', ({ payload }) => page.frames.push([true, payload]));
        ws.on('framereceived',
              ({ payload }) => page.frames.push([false, payload]));
    });
    await before?.(page);
    await page.goto(url);
    return page;
}

export const isOpen = (page) => page.locator('#status.open').waitFor();
const isLost = (page) => page.locator('#status:not(.open)').waitFor();

/** At the end of a suite. */
export const loadNothing = (name) => check(
    `Chromium: ${name} load nothing from elsewhere`, async () => {
        expect(requests > 0, true, 'requests were seen');
        expect(outside, [], 'what was loaded from elsewhere');
    });

// ---- A network between a page and its server

/** It can be cut, and it can fall silent, which nobody is told. */
export async function relay(port) {
    const open = new Set();
    let isSilent = false;
    const told = { count: 0 };
    const server = net.createServer((near) => {
        const far = net.connect(port, '127.0.0.1');
        const pair = { near, far, isDead: isSilent };
        const pass = (from, to) => {
            from.on('data', (data) => pair.isDead || to.write(data));
            from.on('error', () => {});
            from.on('close', () => pair.isDead || to.destroy());
        };
        told.count++;
        open.add(pair);
        pass(near, far);
        pass(far, near);
    });
    const listen = async (at) => {
        server.listen(at, '127.0.0.1');
        await once(server, 'listening');
    };
    await listen(0);
    const own = server.address().port;
    const cut = () => {
        for (const { near, far } of open) {
            near.destroy();
            far.destroy();
        }
        open.clear();
    };
    return Object.assign(told, {
        port: own, cut,
        up: () => listen(own),
        down: () => { server.close(); cut(); },
        silence: () => {
            isSilent = true;
            for (const pair of open)
                pair.isDead = true;
        },
        speak: () => { isSilent = false; }, // to who comes anew
    });
}

/** A name can be read, whatever its colour: section 1.4.3 of WCAG 2.1. */
export async function namesAreReadable(page, selector) {
    for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        const least = await page.locator(selector).first().evaluate((name) => {
            const pen = document.createElement('canvas').getContext('2d');
            const light = (colour) => {
                pen.fillStyle = colour;
                pen.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data]
                    .map((byte) => byte / 255).map((v) => v <= .03928
                        ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
                return .2126 * r + .7152 * g + .0722 * b + .05;
            };
            let box = name;
            const back = () => getComputedStyle(box).backgroundColor;
            while (back() === 'rgba(0, 0, 0, 0)')
                box = box.parentElement;
            let least = Infinity;
            for (let hue = 0; hue < 360; hue++) {
                name.style.setProperty('--hue', hue);
                const [a, b] = [light(getComputedStyle(name).color),
                                light(back())];
                least = Math.min(least, Math.max(a, b) / Math.min(a, b));
            }
            return least;
        });
        expect(least >= 4.5, true, `${selector}, ${colorScheme}: contrast of ` +
               `${least.toFixed(2)}, 4.5 is the least`);
    }
}

// ---- What is asked of every page

const TICK_MS = 2000; // of reconnect.js

const tick = (page) => page.clock.runFor(TICK_MS);

/** A quiet server is asked, and the page is content with its answer. */
async function asks(page, question, answer) {
    const count = (sent, text) => page.frames.filter(
        (f) => f[0] === sent && String(f[1]) === text).length;
    for (let n = 0; count(true, question) < 2; n++) {
        expect(n < 40, true, 'the page asks a quiet server');
        await tick(page);
        while (count(false, answer) < count(true, question))
            await page.waitForTimeout(10); // looks again, while there is time
    }
}

/** Who is told something all the time need not ask. */
async function listens(page) {
    const heard = () => page.frames.filter(([sent]) => !sent).length;
    for (let n = 0; n < 10; n++) {
        const before = heard();
        await tick(page);
        while (heard() === before)
            await page.waitForTimeout(10); // likewise
    }
}

/**
 * The connection dies, and nobody is told: the page notices, by the clock and
 * sooner when the browser says that it is offline; and it comes back. The clock
 * is the test's.
 */
async function noticesSilence(server, { question, answer, quietMs = 20000 }) {
    const between = await relay(server.port);
    const page = await openPage(`http://127.0.0.1:${between.port}/`, {
        before: (p) => p.clock.install() });
    const online = () => page.evaluate(
        () => { window.dispatchEvent(new Event('online')); });
    await isOpen(page);
    const before = between.count;
    if (question !== undefined)
        await asks(page, question, answer);
    else
        await listens(page);
    expect(between.count, before, 'connections while all is well');
    between.silence();
    for (let n = 0; n < quietMs / TICK_MS + 4; n++)
        await tick(page); // one to be late, and three to wait for an answer
    await isLost(page);
    between.speak();
    await online();
    await isOpen(page);

    between.silence();
    await page.evaluate(() => { window.dispatchEvent(new Event('offline')); });
    for (let n = 0; n < 4; n++)
        await tick(page);
    await isLost(page);
    between.speak();
    await online();
    await isOpen(page);
    between.down();
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** The whole policy, with a nonce of its own each time. */
async function policyIsStrict(server) {
    const nonces = new Set();
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    for (let n = 0; n < 2; n++) {
        const answer = await context.request.get(
            server.url.replace('ws', 'http'));
        const policy = answer.headers()['content-security-policy'];
        const nonce = policy.match(/'nonce-([0-9a-f]{32})'/)?.[1];
        const host = `127.0.0.1:${server.port}`;
        expect(policy, `default-src 'none'; script-src 'nonce-${nonce}'; ` +
            `style-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; ` +
            `form-action 'none'; frame-ancestors 'none'; connect-src 'self' ws://${host} ` +
            `wss://${host}`, 'the policy');
        nonces.add(nonce);
    }
    await context.close();
    expect(nonces.size, 2, 'nonces of two answers');
}

/** Runs in the page: as if a stranger's text had become HTML. */
function inject() {
    return new Promise((done) => {
        const refused = new Set();
        Object.defineProperty(window, 'ran', { set: (what) => done(what) });
        document.addEventListener('securitypolicyviolation', (event) => {
            refused.add(event.effectiveDirective);
            if (refused.size === 4)
                done([...refused].sort());
        });
        const box = document.createElement('div');
        box.innerHTML = '<img src="x" onerror="ran = \'a handler\'">' +
            '<style>body { color: red; }</style>';
        const script = document.createElement('script');
        script.textContent = 'ran = "a script";';
        document.body.append(box, script);
    });
}

async function injectedDoesNotRun(server) {
    const page = await openPage(server.url.replace('ws', 'http'),
                                { ignoreHTTPSErrors: true });
    expect(await page.evaluate(inject),
           ['img-src', 'script-src-attr', 'script-src-elem', 'style-src-elem'],
           'what the policy refuses');
    await page.context().close();
}

/** What is injected into the page is dead. */
export async function policyHolds(server) {
    await policyIsStrict(server);
    await injectedDoesNotRun(server);
}

/** Runs in the page: what is to be reached, by its place in it. */
function controls() {
    return [...document.querySelectorAll(
        'a[href], button, input, select, textarea, [tabindex="0"]')]
        .filter((e) => !e.disabled && e.checkVisibility())
        .map((e) => e.id || e.getAttribute('aria-label') || e.outerHTML);
}

/** Runs in the page: what has the focus, and whether that is seen. */
function focused() {
    const e = document.activeElement, style = getComputedStyle(e);
    return e === document.body ? [null] : [
        e.id || e.getAttribute('aria-label') || e.outerHTML,
        style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2];
}

/**
 * Who has no pointer reaches every control, sees where the focus is, and gets
 * on from there; who sees nothing is told a name for each. `whole` is an
 * element that is all of the page, whose focus need not be seen.
 */
async function isForKeysAndEars(server, whole) {
    const page = await openPage(server.url.replace('ws', 'http'));
    await isOpen(page);
    await page.evaluate(() => document.activeElement.blur());
    const wanted = await page.evaluate(controls), reached = [];
    for (let n = 0; n < 60 && reached.length < wanted.length; n++) {
        await page.keyboard.press('Tab');
        const [name, isSeen] = await page.evaluate(focused);
        if (name === null || reached.includes(name))
            continue; // around once: a select, too, is one stop
        reached.push(name);
        expect(isSeen || name === whole, true, `the focus on ${name} is seen`);
    }
    expect(wanted.length > 1, true, 'the page has controls');
    expect(reached.sort(), wanted.sort(), 'what the Tab key reaches');

    const cdp = await page.context().newCDPSession(page);
    const { nodes } = await cdp.send('Accessibility.getFullAXTree');
    const spoken = nodes.filter((node) => !node.ignored &&
        (['log', 'image', 'table', 'list'].includes(node.role.value) ||
         node.properties?.some((p) => p.name === 'focusable' && p.value.value)));
    expect(spoken.filter((node) => !node.name?.value.trim())
        .map((node) => node.role.value), [], 'what has no name');
    expect(spoken.length >= wanted.length, true, 'names were looked for');
    expect(await page.getByRole('status').count() > 0, true,
           'what happens to the connection is told');
    expect(await page.evaluate(() => document.documentElement.lang), 'en',
           'language');
    expect(await page.getByRole('heading', { level: 1 }).count(), 1,
           'headings of the page');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/**
 * `start` starts the page's server. `quiet.question` is what the page asks it,
 * `quiet.answer` what it says then, after `quiet.quietMs` without a word;
 * `whole` see isForKeysAndEars().
 */
export async function everyPage(name, start, quiet, whole) {
    await check(`Chromium: ${name}, by keyboard alone, and by names`,
                async () => isForKeysAndEars(await start(), whole), 25000);
    await check(`Chromium: ${name}, a silent connection is noticed`,
                async () => noticesSilence(await start(), quiet), 2 * CASE);
    await check(`Chromium: ${name}, what is injected is dead`, async () => {
        const server = await start();
        await policyHolds(server);
        expect(await server.stop(), 0, 'server\'s exit status');
    }, 2 * CASE);
}
