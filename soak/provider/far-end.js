// A Bitbucket that answers as planned (plans.js), byte by byte, with everything that can go wrong on a line.
import { Buffer } from 'node:buffer';
import { createServer, STATUS_CODES } from 'node:http';
import { clearInterval, setInterval, setTimeout } from 'node:timers';
import { planFor } from './plans.js';

const seed = Number(process.argv[2]);
const ENDPOINTS = { '/site/oauth2/access_token': 'token', '/api/2.0/user': 'user', '/api/2.0/user/emails': 'emails' };
let answers = 0;

const server = createServer((req, res) => {
  const endpoint = ENDPOINTS[new URL(req.url, 'http://far.invalid').pathname];
  let text = '';
  req.on('data', (chunk) => (text += chunk));
  req.on('end', () => {
    const number = Number(/\bcode=(\d+)\./.exec(text)?.[1] ?? /^Bearer (\d+)\./.exec(req.headers.authorization)?.[1]);
    if (endpoint === undefined || Number.isNaN(number)) return res.writeHead(404).end();
    answers += 1;
    send(res.socket, planFor(seed, number).replies[endpoint]);
  });
});

/** One answer, after which the connection is over. */
function send(socket, { status, headers, body, how }) {
  const bytes = Buffer.from(body);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Odd'}`,
    ...headers,
    `Content-Length: ${bytes.length}`,
    'Connection: close',
  ];
  const head = `${lines.join('\r\n')}\r\n\r\n`;
  const half = Math.floor(bytes.length / 2);
  socket.on('error', () => undefined);
  const ways = {
    plain: () => socket.end(Buffer.concat([Buffer.from(head), bytes])),
    raw: () => socket.end(bytes),
    cut: () => socket.end(Buffer.concat([Buffer.from(head), bytes.subarray(0, half)])),
    reset: () => socket.write(head + bytes.subarray(0, half), () => socket.resetAndDestroy()),
    split: () => {
      const inside = bytes.findIndex((byte) => byte > 0xbf) + 1;
      socket.write(Buffer.concat([Buffer.from(head), bytes.subarray(0, inside)]));
      setTimeout(() => socket.end(bytes.subarray(inside)), 20);
    },
    continues: () => socket.end('HTTP/1.1 100 Continue\r\n\r\n'.repeat(10_000) + head + bytes),
    silent: () => undefined,
    stall: () => socket.write(head + bytes.subarray(0, half)),
    drip: () => drip(socket, Buffer.concat([Buffer.from(head), bytes])),
  };
  ways[how]();
}

function drip(socket, bytes) {
  let at = 0;
  const timer = setInterval(() => socket.write(bytes.subarray(at, (at += 1))), 1000);
  socket.on('close', () => clearInterval(timer));
}

server.keepAliveTimeout = 300_000;
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}/` }));
process.on('message', () => process.send({ answers }));
process.on('disconnect', () => process.exit());
