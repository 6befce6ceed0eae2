// SPDX-License-Identifier: MIT
// packages.mjs - the npm packages: they are in the build directory, not here.

import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

export const WORK = resolve(process.env.INTEROP_WORK ?? 'build/interop');
export const require = createRequire(join(WORK, 'package.json'));
export const WebSocket = require('ws');
export const { WebSocketServer } = WebSocket;
