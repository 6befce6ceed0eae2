// SPDX-License-Identifier: MIT
// ws_server.mjs - the same echo server with npm's ws, for Node.js.

import { createRequire } from 'node:module';
import { join } from 'node:path';

// Packages are where bench-deps put them, not beside this file.
const require = createRequire(join(process.env.NODE_MODULES, 'x.js'));
const { WebSocketServer, WebSocket } = require('ws');

const arg = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const host = arg('--host', '127.0.0.1');
const broadcast = process.argv.includes('--broadcast');

const server = new WebSocketServer({
  host,
  port: Number(arg('--port', 0)),
  backlog: 4096,
  perMessageDeflate: false,
  clientTracking: broadcast,
});
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => {
    if (!broadcast) socket.send(data, { binary: isBinary });
    else
      for (const client of server.clients)
        if (client.readyState === WebSocket.OPEN)
          client.send(data, { binary: isBinary });
  });
});
server.on('listening', () => {
  console.log(`listening on ws://${host}:${server.address().port}/`);
});
