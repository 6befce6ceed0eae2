// SPDX-License-Identifier: MIT
// redis.mjs - a Redis for the suites of the chat that outgrows one machine.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CASE, within } from './kit.mjs';

const freePort = () => new Promise((found) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
        const { port } = probe.address();
        probe.close(() => found(port));
    });
});

/** A Redis of its own; it ends with this program, however that ends. */
export class Redis {
    static #all = new Set();

    static async start() {
        const redis = new Redis();
        redis.directory = mkdtempSync(join(tmpdir(), 'chat-redis-'));
        Redis.#all.add(redis);
        for (let tries = 0; tries < 10; tries++) {
            redis.port = await freePort(); // somebody may be quicker
            if (await redis.up())
                return redis;
        }
        throw new Error('redis-server did not start');
    }

    async up() {
        this.process = spawn('setpriv', ['--pdeathsig', 'KILL', 'redis-server',
            '--bind', '127.0.0.1', '--port', String(this.port), '--save', '',
            '--appendonly', 'yes', '--appendfsync', 'always',
            '--dir', this.directory], { stdio: ['ignore', 'pipe', 'inherit'] });
        this.ended = new Promise((done) => {
            this.process.on('error', done);
            this.process.on('exit', done);
        });
        const ready = new Promise((found) =>
            createInterface({ input: this.process.stdout }).on('line', (line) =>
                line.includes('eady to accept') && found(true)));
        return within(CASE, Promise.race(
            [ready, this.ended.then(() => false)]), 'redis-server');
    }

    async down() {
        this.process.kill('SIGKILL');
        await this.ended;
    }

    static end() {
        for (const redis of Redis.#all) {
            redis.process.kill('SIGKILL');
            rmSync(redis.directory, { recursive: true, force: true });
        }
    }
}
process.on('exit', () => Redis.end());
