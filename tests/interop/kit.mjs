// SPDX-License-Identifier: MIT
// kit.mjs - what the Node suites share: cases, and programs under test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WORK } from './packages.mjs';

export const BIN = process.env.INTEROP_BIN ?? 'build/examples';
export const CERTS = process.env.INTEROP_CERTS ?? join(WORK, 'certs');

export const ca = () => readFileSync(join(CERTS, 'ca.pem'));
export const tlsArguments = () => ['--tls-cert', join(CERTS, 'server.pem'),
                                   '--tls-key', join(CERTS, 'server.key')];

// Milliseconds: guards against what hangs, no measure of any machine.
export const CASE = 60000;

let passed = 0;
let failed = 0;
const running = new Set();

/** Compare, and say in one short line what differs. */
export function expect(got, wanted, what) {
    try {
        assert.deepEqual(got, wanted);
    } catch {
        throw new Error(`${what}: expected ${brief(wanted)}, got ${brief(got)}`);
    }
}

function brief(value) {
    if (Buffer.isBuffer(value))
        return `<${value.subarray(0, 40).toString('hex')}> (${value.length})`;
    const text = JSON.stringify(value) ?? String(value);
    return text.length <= 200 ? text : `${text.slice(0, 200)}... (${text.length})`;
}

/** Reject what is not settled after `ms`. */
export function within(ms, promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(
            () => reject(new Error(`${what} not done after ${ms} ms`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Run one case: it passes when its promise is fulfilled in time. */
export async function check(name, run, ms = CASE) {
    try {
        await within(ms, run(), 'case');
        passed += 1;
        console.log(`ok   ${name}`);
    } catch (error) {
        failed += 1;
        const why = String(error?.message ?? error)
            .replace(/\x1b\[\d*m/g, '').split('\n', 3).join(' ');
        console.log(`FAIL ${name}: ${why}`);
    }
}

export function finish() {
    killAll();
    process.exit(passed && !failed ? 0 : 1);
}

/** A server program that chooses its port and says "listening on URL". */
export class Server {
    static async start(command, args = []) {
        const server = new Server();
        server.process = spawn(command, args,
                               { stdio: ['ignore', 'pipe', 'inherit'] });
        running.add(server.process);
        server.ended = new Promise((done) => {
            server.process.on('error', (error) => done(error.message));
            server.process.on('exit', (code, signal) => done(signal ?? code));
        });
        server.url = await within(CASE, server.#readUrl(command), command);
        server.port = Number(new URL(server.url).port);
        return server;
    }

    #readUrl(command) {
        const lines = createInterface({ input: this.process.stdout });
        return new Promise((found, lost) => {
            lines.on('line', (line) => {
                if (line.startsWith('listening on '))
                    found(line.split(' ')[2]);
            });
            this.ended.then((how) =>
                lost(new Error(`${command} did not listen, ended: ${how}`)));
        });
    }

    /** Tell it to end; resolves to its exit status, 0 if all is well. */
    async stop() {
        this.process.kill('SIGTERM');
        const how = await within(CASE, this.ended, 'server\'s end');
        running.delete(this.process);
        return how;
    }
}

function killAll() {
    for (const child of running)
        child.kill('SIGKILL');
    running.clear();
}

process.on('exit', killAll);
process.on('SIGTERM', () => process.exit(1));
process.on('unhandledRejection', (error) => {
    console.log(`FAIL unhandled: ${error?.stack ?? error}`);
    process.exit(1);
});
