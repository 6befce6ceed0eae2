// SPDX-License-Identifier: MIT
// game.mjs - the page of game_server, played in a headless Chromium.

import net from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, CASE, Server, check, expect, finish } from './kit.mjs';
import { browser, everyPage, loadNothing, openPage } from './pagekit.mjs';
import { WORK } from './packages.mjs';

const PATIENCE = 40000;
const PLAY_MS = Number(process.env.GAME_PLAY_MS ?? 8000); // through the relay
const WIDE = { width: 1100, height: 700 };
const PHONE = { width: 390, height: 780 };

const start = (port = 0, ...args) => Server.start(
    join(BIN, 'game_server'), ['--port', String(port), ...args]);

const open = (url, options = {}, before = undefined) => openPage(
    url.replace('ws', 'http'), { viewport: WIDE, patience: PATIENCE, ...options,
        before: before && ((page) => page.addInitScript(...before)) });

const status = (page, text) =>
    page.locator('#status').filter({ hasText: text }).waitFor();

const shot = (page, name) =>
    page.screenshot({ path: join(WORK, `game-${name}.png`) });

async function enter(page, name) {
    await status(page, 'you watch');
    const field = page.getByRole('textbox', { name: 'Your name' });
    await field.fill(name);
    await field.press('Enter');
    await status(page, 'you play');
    await page.waitForFunction(() => mine !== null);
}

const number = (page) => page.evaluate(() => me);

/** The other page sees that ship's hands do it, or not any more. */
const sees = (page, ship, bit, does = true) => page.waitForFunction(
    ([n, b, d]) => ((frames.at(-1).ships.get(n).hands & b) !== 0) === d,
    [ship, bit, does]);

const seesShot = (page, ship) => page.waitForFunction((n) =>
    frames.some((f) => [...f.shots.values()].some((s) => s.ship === n)), ship);

/** Runs in the page: hands on the keys, for the nearest star or ship. */
function fly() {
    const press = (code, down) =>
        document.getElementById('arena').dispatchEvent(new KeyboardEvent(
            down ? 'keydown' : 'keyup', { code, bubbles: true }));
    window.pilot = setInterval(() => {
        if (mine === null)
            return;
        const s = mine.ship;
        const others = [...frames.at(-1).ships].filter(
            ([n, o]) => n !== me && o.hull > 0).map(([, o]) => o);
        const near = (list) => list.map((o) => ({
            x: o.x - s.x, y: o.y - s.y, far: Math.hypot(o.x - s.x, o.y - s.y),
        })).sort((a, b) => a.far - b.far)[0];
        const enemy = near(others);
        const hunts = enemy && enemy.far < 250 * rules.UNIT;
        const to = hunts ? enemy : near(frames.at(-1).stars);
        const angle = Math.atan2(to.y, to.x) * 128 / Math.PI;
        const turn = (Math.round(angle) - s.heading + 384 & 255) - 128;
        press('ArrowLeft', turn < -4);
        press('ArrowRight', turn > 4);
        press('ArrowUp', Math.abs(turn) < 30);
        press('Space', hunts && Math.abs(turn) < 12);
    }, 40);
}

// ---- A bad network: every byte comes 150 ms late, and of a hundred pieces
// ---- that are sent, two are stalled, and what is behind them

const DELAY_MS = 150, STALL_MS = 150, STALLED = .02;

function pipe(from, to) {
    const waiting = []; // in order: timers keep none
    const next = () => {
        while (waiting.length > 0 && waiting[0].due <= Date.now()) {
            const { data } = waiting.shift();
            if (to.writable)
                to.write(data);
        }
        if (waiting.length > 0)
            setTimeout(next, waiting[0].due - Date.now());
    };
    from.on('data', (data) => {
        const stall = Math.random() < STALLED ? STALL_MS : 0;
        const due = Math.max(waiting.at(-1)?.due ?? 0,
                             Date.now() + DELAY_MS + stall);
        if (waiting.push({ data, due }) === 1)
            setTimeout(next, due - Date.now());
    });
    from.on('close', () => setTimeout(() => to.destroy(), DELAY_MS));
    from.on('error', () => {});
}

async function relay(server) {
    const listener = net.createServer({ noDelay: true }, (client) => {
        const far = net.connect({ port: server.port, host: '127.0.0.1',
                                  noDelay: true });
        pipe(client, far);
        pipe(far, client);
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return { close: () => listener.close(),
             url: `ws://127.0.0.1:${listener.address().port}/` };
}

/** Runs in the page: notes, for each picture, where ships are drawn. */
function record() {
    window.track = [];
    const old = window.requestAnimationFrame;
    const note = (time) => { // of the picture, by which ships are moved
        if (window.isOver)
            return;
        const ship = mine === null ? undefined : myShipNow();
        const now = frames.length > 0 ? around() : null;
        const others = {};
        for (const [n, s] of now?.a.ships ?? [])
            if (n !== me) {
                const o = betweenShips(s, now.b.ships.get(n), now.part,
                                       now.beyond);
                others[n] = [o.x / 256, o.y / 256, o.hull];
            }
        window.track.push([time,
                           ship && [ship.x / 256, ship.y / 256, ship.hull],
                           others, jitter, now?.beyond ?? 0]);
        old.call(window, note);
    };
    old.call(window, note);
}

/** How smooth: moves that are more than a ship can do in that time. It may well
 * be that the machine is busy: othersFlow() measures by a clock of its own. */
function judge(track, of) {
    let jumps = 0, pictures = 0, worst = 0;
    for (let i = 1; i < track.length; i++) {
        const a = of(track[i - 1]), b = of(track[i]);
        const ms = track[i][0] - track[i - 1][0];
        if (!a || !b || a[2] === 0 || b[2] === 0)
            continue;
        const moved = Math.hypot(a[0] - b[0], a[1] - b[1]);
        if (moved > 150)
            continue; // it came back elsewhere
        const most = 9 * 30 / 1000 * ms * 1.5 + 4;
        pictures++;
        worst = Math.max(worst, moved - most);
        jumps += moved > most;
    }
    return { pictures, jumps, worst: Math.round(worst) };
}

// ---- The cases

async function twoPlay() {
    const server = await start();
    const ann = await open(server.url);
    await status(ann, 'you watch');
    await shot(ann, 'form');
    await ann.emulateMedia({ colorScheme: 'dark' });
    await shot(ann, 'form-dark');
    for (let n = 0; n < 10 && !await ann.locator('#name').evaluate(
            (e) => e === document.activeElement); n++)
        await ann.keyboard.press('Tab'); // by the keyboard alone
    await ann.keyboard.type('<b>Ann</b>');
    await ann.keyboard.press('Tab');
    await ann.keyboard.press('Enter');
    await status(ann, 'you play');
    await ann.waitForFunction(() => mine !== null);
    const bob = await open(server.url, { viewport: PHONE, hasTouch: true,
                                         isMobile: true });
    await shot(bob, 'form-phone');
    await enter(bob, 'Bob');
    await ann.locator('#scores bdi', { hasText: 'Bob' }).waitFor();
    await bob.locator('#scores bdi', { hasText: '<b>Ann</b>' }).waitFor();

    const her = await number(ann); // Bob sees what she does
    for (const [key, bit] of [['ArrowLeft', 1], ['ArrowRight', 2],
                              ['ArrowUp', 4], ['a', 1], ['d', 2], ['w', 4]]) {
        await ann.keyboard.down(key);
        await sees(bob, her, bit);
        await ann.keyboard.up(key);
        await sees(bob, her, bit, false);
    }
    await ann.keyboard.down('Space');
    await seesShot(bob, her);
    await ann.keyboard.up('Space');
    for (const name of ['Leave', 'Fire']) // for a screen reader
        await bob.getByRole('button', { name, exact: true }).waitFor();
    const fire = await bob.locator('#fire').boundingBox();
    const his = await number(bob);
    await bob.mouse.move(fire.x + fire.width / 2, fire.y + fire.height / 2);
    await bob.mouse.down();
    await seesShot(ann, his);
    await bob.mouse.up();
    await sees(ann, his, 8, false);
    await bob.locator('#stick').waitFor();
    const box = await bob.locator('#stick').boundingBox();
    await bob.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await bob.mouse.down();
    await bob.mouse.move(box.x + box.width / 2, box.y + 4); // up
    await bob.waitForFunction(() => Math.abs(mine.ship.heading - 192) < 6);
    await bob.waitForFunction(() => (mine.ship.hands & 4) !== 0);
    await shot(bob, 'phone');
    await bob.mouse.up();
    await ann.evaluate(fly);
    await bob.evaluate(fly);
    await ann.waitForFunction(() => stats.frames > 150);
    await shot(ann, 'dark');
    await shot(bob, 'phone-flying');
    await bob.emulateMedia({ colorScheme: 'dark' });
    await shot(bob, 'phone-dark');
    await ann.emulateMedia({ colorScheme: 'light' });
    await shot(ann, 'light');

    await bob.click('#leave');
    await status(bob, 'you watch');
    await ann.waitForFunction(() => ![...names.values()].includes('Bob'));
    for (let n = 0; n < 10 && !await ann.locator('#leave').evaluate(
            (e) => e === document.activeElement); n++)
        await ann.keyboard.press('Tab');
    await ann.evaluate(() => clearInterval(window.pilot));
    await ann.keyboard.press('Space'); // is no shot on a button
    await status(ann, 'you watch');
    expect(await ann.evaluate(() => document.activeElement.id), 'name',
           'where the focus is then');
    expect(ann.complaints, [], 'complaints of Ann\'s page');
    expect(bob.complaints, [], 'complaints of Bob\'s page');
    await ann.context().close();
    await bob.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function comesBack() {
    let server = await start(0, '--drones', '0');
    const ann = await open(server.url);
    await enter(ann, 'Ann');
    const before = await number(ann);
    await ann.reload();
    await status(ann, 'you play');
    expect(await number(ann), before, 'ship after a reload');

    const token = await ann.evaluate(() => sessionStorage.getItem('token'));
    const again = await open(server.url, {}, [ // the same player, elsewhere
        (t) => sessionStorage.getItem('token') ??
            sessionStorage.setItem('token', t), token]);
    await status(again, 'you play');
    expect(await number(again), before, 'ship in another window');
    await status(ann, 'another window');
    await shot(ann, 'elsewhere');

    server.process.kill('SIGKILL');
    await server.ended;
    await status(again, 'not connected');
    await shot(again, 'away');
    server = await start(server.port, '--drones', '0');
    await status(again, 'you play'); // by itself, as a new player
    expect(again.complaints.filter((c) => !/WebSocket/.test(c)), [],
           'complaints of the page');
    await ann.context().close();
    await again.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

async function badNetwork() {
    const server = await start(0, '--drones', '1');
    const far = await relay(server);
    const ann = await open(far.url);
    const bob = await open(far.url, { colorScheme: 'dark' });
    await enter(ann, 'Ann');
    await enter(bob, 'Bob');
    for (const page of [ann, bob]) {
        await page.evaluate(fly);
        await page.evaluate(() => { stats.corrected = stats.worst = 0; });
    }
    await ann.waitForFunction(() => mine.delay > 300);
    await ann.evaluate(record);
    await bob.evaluate(record);
    const end = Date.now() + PLAY_MS;
    for (let i = 0; Date.now() < end; i++) {
        await ann.waitForTimeout(Math.min(PLAY_MS / 4, 15000));
        await shot(ann, `relay-ann-${i}`);
        await shot(bob, `relay-bob-${i}`);
    }
    for (const page of [ann, bob]) // before tracks of that size are moved
        page.told = await page.evaluate(() => {
            window.isOver = true;
            return { ...stats, jitter, delay: mine?.delay };
        });
    for (const [name, page] of [['Ann', ann], ['Bob', bob]]) {
        const track = await page.evaluate(() => window.track);
        const own = judge(track, (t) => t[1]);
        console.log(`     ${name}: ${JSON.stringify(page.told)}`);
        console.log(`     own ship ${JSON.stringify(own)}`);
        expect(own.pictures > PLAY_MS / 100, true, 'pictures were recorded');
        expect(own.jumps <= own.pictures / 100, true,
               `${name}'s ship moves smoothly`);
        // What was foretold is what the server says later, by the same rules.
        const { frames, corrected } = page.told;
        expect(frames > PLAY_MS / 100, true, 'frames came');
        expect(corrected <= frames / 10, true,
               `${corrected} of ${frames} frames correct ${name}'s ship`);
        for (const n of Object.keys(track.at(-1)[2])) {
            const other = judge(track, (t) => t[2][n]);
            console.log(`     ship ${n} ${JSON.stringify(other)}`);
            expect(other.jumps <= Math.max(5, other.pictures / 50), true,
                   `ship ${n} moves smoothly`);
        }
        expect(page.complaints, [], `complaints of ${name}'s page`);
    }
    await ann.context().close();
    await bob.context().close();
    far.close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** The page reads a frame as test_game.c writes it. */
async function framesHaveOneLayout() {
    const file = new URL('../examples/game_frame.h', import.meta.url);
    const hex = [...readFileSync(file, 'utf8').matchAll(/"([0-9a-f ]+)"/g)]
        .map(([, text]) => text).join('').replaceAll(' ', '');
    const server = await start(0, '--drones', '0');
    const page = await open(server.url);
    const read = await page.evaluate((text) => {
        const bytes = new Uint8Array(text.match(/../g).map(
            (pair) => parseInt(pair, 16)));
        const frame = readFrame(bytes.buffer);
        return { ...frame, ships: [...frame.ships], shots: [...frame.shots] };
    }, hex);
    const wanted = {
        seconds: 97, tick: 0x89abcdef, radius: 600,
        ships: [
            [3, { hands: 5, away: true, shield: false, heading: 250, hull: 2,
                  x: -123456, y: 654321, vx: -1234, vy: 2345, score: 291,
                  done: 65534, reload: 7 }],
            [200, { hands: 10, away: false, shield: true, heading: 64, hull: 3,
                    x: 74565, y: -74566, vx: 1110, vy: -1894, score: 65244,
                    done: 513, reload: 0 }]],
        stars: [{ x: -300 * 64, y: 400 * 64 }, { x: 700 * 64, y: -500 * 64 },
                { x: -64, y: 64 }],
        shots: [[200 << 8 | 253, { ship: 200, x: -1000 * 64, y: 800 * 64 }],
                [3 << 8 | 4, { ship: 3, x: 900 * 64, y: -700 * 64 }]],
    };
    expect(Object.keys(read), Object.keys(wanted), 'what a frame has');
    for (const key of Object.keys(wanted))
        expect(read[key], wanted[key], `the frame's ${key}`);
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** Two fingers on a screen, not a mouse. */
async function thumbsSteer() {
    const server = await start(0, '--drones', '0');
    const page = await open(server.url, { viewport: PHONE, hasTouch: true,
                                          isMobile: true });
    await enter(page, 'Thumb');
    await page.evaluate(() => {
        window.cancelled = [];
        window.addEventListener('pointercancel', (event) =>
            window.cancelled.push(event.target.id), true);
    });
    const screen = await page.context().newCDPSession(page);
    const touch = (type, ...touchPoints) =>
        screen.send('Input.dispatchTouchEvent', { type, touchPoints });
    const middle = async (selector, id) => {
        const box = await page.locator(selector).boundingBox();
        return { id, x: box.x + box.width / 2, y: box.y + box.height / 2 };
    };
    const drag = async (from, dx, dy, ...others) => {
        for (let part = .25; part <= 1; part += .25)
            await touch('touchMove', { ...from, x: from.x + part * dx,
                                       y: from.y + part * dy }, ...others);
        return { ...from, x: from.x + dx, y: from.y + dy };
    };
    const hands = (bits, of) => page.waitForFunction(([b, o]) =>
        mine !== null && (mine.ship.hands & o) === b, [bits, of]);
    const heads = (to) => page.waitForFunction((wanted) => Math.abs(
        (mine.ship.heading - wanted + 384 & 255) - 128) < 6, to);

    const stick = await middle('#stick', 1), fire = await middle('#fire', 2);
    await touch('touchStart', stick);
    let thumb = await drag(stick, 0, -120); // up, and out of the ring
    await heads(192);
    await hands(4, 12);
    await touch('touchStart', thumb, fire);
    await hands(12, 12);
    await page.waitForFunction(() => frames.at(-1).shots.size > 0);
    await drag(fire, 0, -30, thumb); // the other one is not still
    await hands(12, 12);
    await touch('touchEnd', fire);
    await hands(4, 12);
    await drag(stick, 60, 0);
    await heads(0);
    await touch('touchEnd');
    await hands(0, 15);
    expect(await page.evaluate(() => [stick, $('knob').style.transform]),
           [{ x: 0, y: 0, pointer: null }, ''], 'the stick, afterwards');

    const sky = { id: 3, x: PHONE.width / 2, y: PHONE.height / 3 };
    await touch('touchStart', sky);
    await drag(sky, 0, 200);
    await touch('touchEnd');
    expect(await page.evaluate(() => window.cancelled), [],
           'what the browser took for a scroll');
    expect(page.complaints, [], 'complaints of the page');
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/** Runs in the page: what is drawn of a ship between two frames. */
function drawBetween() {
    const ship = { hands: 0, away: false, shield: false, heading: 250, hull: 3,
                   x: 0, y: 0, vx: 512, vy: 0, score: 0, done: 0, reload: 0 };
    const frame = (tick, ...ships) => ({
        seconds: 1, tick, radius: 500, ships: new Map([[7, ...ships]]),
        stars: [], shots: new Map() });
    const at = (time) => {
        const told = {};
        const old = [pen.translate, pen.rotate];
        shown = time;
        pen.translate = (...to) => { told.at = to; }; // the ship's is the last
        pen.rotate = (by) => { told.heading = Math.round(by * 128 / Math.PI); };
        draw(0, 0);
        [pen.translate, pen.rotate] = old;
        return told;
    };
    me = -1;
    mine = null;
    frames = [frame(10, ship), frame(20, { ...ship, heading: 10, x: 100 * 256,
                                           y: 50 * 256 })];
    const told = [at(10), at(15), at(17.5), at(22)];
    const before = shown;
    jitter = 0; // frames come as they should
    arrivals = [performance.now() - (shown + 1.2) * period];
    advanceShown(period / 4);
    return { told, part: shown - before };
}

/** Between two frames a ship is between two places; a little beyond, it goes
 * on as it went. */
async function othersAreInterpolated() {
    const server = await start(0, '--drones', '0');
    const page = await open(server.url);
    await page.waitForFunction(() => rules !== null && frames.length > 5);
    const { told, part } = await page.evaluate(drawBetween);
    expect(told, [{ at: [0, 0], heading: 250 }, { at: [50, 25], heading: 258 },
                  { at: [75, 37.5], heading: 262 },
                  { at: [104, 50], heading: 10 }], 'what is drawn');
    expect(part > .2 && part < .3, true,
           `a quarter of a step later it has moved by ${part} of one`);
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

/**
 * Runs in the page, by a clock of its own: pictures of a ship that flies by the
 * rules, as frames come through a network, which recovers after half of the
 * time. Returns the ship's places at each tick, and what was drawn: [time, x,
 * y].
 */
function flyPast({ rate, ticks, delay, stall, stalled }) {
    const ship = { hands: 0, away: false, shield: false, heading: 0, hull: 3,
                   x: 0, y: 0, vx: 1024, vy: 0, score: 0, done: 0, reload: 0 };
    const path = [], due = [], pictures = [];
    let seed = 1, clock = 0, next = 0, at;
    const chance = () => {
        seed = Math.imul(seed, 1103515245) + 12345 & 0x7fffffff;
        return seed / 0x80000000;
    };
    const old = [pen.translate, performance.now];

    me = -1;
    mine = null;
    frames = [];
    arrivals = [];
    jitter = shown = 0;
    pen.translate = (...to) => { at = to; }; // the ship's is the last
    performance.now = () => clock;
    for (let n = 0; n < ticks; n++) {
        path.push({ ...ship });
        due.push(Math.max(due[n - 1] ?? 0, n * period + delay +
                          (chance() < stalled && n < ticks / 2 ? stall : 0)));
        shipStep(ship, GO | [LEFT, 0, RIGHT][n % 60 / 20 | 0], 1e4);
    }
    for (let time = delay; next < ticks; time += 1000 / rate) {
        for (; due[next] <= time; next++) {
            clock = due[next];
            takeFrame({ seconds: 1, tick: next, radius: 1e4, stars: [],
                        shots: new Map(),
                        ships: new Map([[7, path[next]]]) });
        }
        clock = time;
        advanceShown(1000 / rate);
        draw(0, time);
        pictures.push([time, ...at]);
    }
    [pen.translate, performance.now] = old;
    return { path: path.map((s) => [s.x / rules.UNIT, s.y / rules.UNIT]),
             pictures, period };
}

/** When the ship was where it is drawn, in ticks, and how far beside its way. */
function whenWas(path, [x, y], near) {
    let best = { off: Infinity, tick: 0 };
    for (let n = Math.max(0, near - 15 | 0); n < near + 15; n++) {
        const [a, b] = [path[n], path[n + 1]];
        if (b === undefined)
            break;
        const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        const part = Math.max(0, Math.min(1, ((x - a[0]) * dx +
            (y - a[1]) * dy) / (dx * dx + dy * dy)));
        const off = Math.hypot(a[0] + dx * part - x, a[1] + dy * part - y);
        if (off < best.off)
            best = { off, tick: n + part };
    }
    return best;
}

async function flowOf(page, network) {
    const { path, pictures, period } = await page.evaluate(flyPast, network);
    const flow = { pictures: 0, beside: 0, off: 0, slow: Infinity, fast: 0,
                   soon: Infinity, late: 0 };
    let before;
    for (const [time, ...place] of pictures) {
        const now = (time - network.delay) / period; // what has just come
        const { off, tick } = whenWas(path, place, now);
        if (time > network.delay + 2000) { // it knows its network by then
            const speed = (tick - before) * period * network.rate / 1000;
            flow.pictures++;
            flow.beside += off > .01;
            flow.off = Math.max(flow.off, off);
            flow.slow = Math.min(flow.slow, speed);
            flow.fast = Math.max(flow.fast, speed);
            flow.soon = Math.min(flow.soon, now - tick);
            flow.late = Math.max(flow.late, now - tick);
            flow.last = now - tick;
        }
        before = tick;
    }
    console.log(`     ${JSON.stringify(flow)}`);
    return flow;
}

/**
 * The others fly where they flew, as fast as they flew, as little later as the
 * network allows; at the rate at which a display shows it. Time is the page's.
 */
async function othersFlow() {
    const server = await start(0, '--drones', '0');
    const page = await open(server.url, // small, to be drawn quickly
                            { viewport: { width: 320, height: 240 } });
    await page.waitForFunction(() => rules !== null && frames.length > 5);
    for (const rate of [30, 60]) {
        const network = { rate, ticks: 600, delay: DELAY_MS, stall: STALL_MS };
        const even = await flowOf(page, { ...network, stalled: 0 });
        expect(even.beside, 0, `${rate}/s: pictures beside the way`);
        expect(even.slow > .99 && even.fast < 1.01, true,
               `${rate}/s: from ${even.slow} to ${even.fast} of the speed`);
        expect(even.soon > 1.1 && even.late < 1.3, true,
               `${rate}/s: from ${even.soon} to ${even.late} ticks later`);

        // What nobody foresees, a stall after a good time, is guessed.
        const bad = await flowOf(page, { ...network, stalled: STALLED });
        expect(bad.beside <= bad.pictures / 50 && bad.off < 2.5, true,
               `${rate}/s, bad: ${bad.beside} pictures of ${bad.pictures} ` +
               `beside the way, by up to ${bad.off}`);
        expect(bad.slow > .79 && bad.fast < 1.31, true,
               `${rate}/s, bad: from ${bad.slow} to ${bad.fast} of the speed`);
        expect(bad.soon > 1.1 && bad.late < 1.3 + STALL_MS * .03, true,
               `${rate}/s, bad: from ${bad.soon} to ${bad.late} ticks later`);
        expect(bad.last < 1.3, true,
               `${rate}/s, recovered: ${bad.last} ticks later`);
    }
    await page.context().close();
    expect(await server.stop(), 0, 'server\'s exit status');
}

const test = (name, body, ms = 2 * CASE) =>
    check(`Chromium: game, ${name}`, body, ms);

await test('two play', twoPlay);
await test('one comes back', comesBack);
await test('the page reads frames as they are written', framesHaveOneLayout);
await test('thumbs steer and fire', thumbsSteer);
await test('others are drawn between two frames', othersAreInterpolated);
await test('others flow as they flew', othersFlow);
await test('a bad network', badNetwork, PLAY_MS + 2 * CASE);
await everyPage('game', start, { quietMs: 2000 }, 'arena');
await loadNothing('game\'s pages');
await browser.close();
finish();
