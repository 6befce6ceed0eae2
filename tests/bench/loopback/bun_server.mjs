// SPDX-License-Identifier: MIT
// bun_server.mjs - the same echo server with Bun (which uses uWebSockets).

const arg = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const hostname = arg('--host', '127.0.0.1');
const broadcast = process.argv.includes('--broadcast');

const server = Bun.serve({
  hostname,
  port: Number(arg('--port', 0)),
  fetch(request, server) {
    if (!server.upgrade(request)) return new Response('', { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    maxPayloadLength: 64 * 1024 * 1024,
    backpressureLimit: 64 * 1024 * 1024,
    idleTimeout: 0,
    publishToSelf: true,
    open(socket) {
      if (broadcast) socket.subscribe('all');
    },
    message(socket, data) {
      if (broadcast) server.publish('all', data);
      else socket.send(data);
    },
  },
});
console.log(`listening on ws://${hostname}:${server.port}/`);
