// Baseline "bare": node:http repeats, byte by byte, what a Gatehouse has answered. The most that Node can do on this core.
import { Buffer } from 'node:buffer';
import { createServer } from 'node:http';

/** From `METHOD /path` to { status, headers: [[name, value]…], body: latin1 }, recorded by record.js. */
let answers;

const server = createServer((req, res) => {
  const { status, headers, body } = answers[`${req.method} ${req.url.replace(/\?.*/, '')}`];
  if (req.method === 'POST') req.resume();
  res.writeHead(status, headers).end(body);
});

process.on('message', (recorded) => {
  answers = recorded;
  for (const answer of Object.values(answers)) answer.body = Buffer.from(answer.body, 'latin1');
  server.keepAliveTimeout = 300_000;
  server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
});
process.on('disconnect', () => process.exit());
process.send('ready');
