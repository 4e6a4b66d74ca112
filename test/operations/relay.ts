// A network to spoil: passes TCP connections on to a server, or stalls, slows, resets or refuses them.
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { closeAtEnd } from '../support/at-end.ts';

/**
 * `stall`: connections stay open and nothing gets through; `reset`: they break; `refuse`: nobody listens; `cutAfter`: the
 * first message to the server that holds this text arrives, and its answer does not.
 */
export type Mood = 'pass' | 'stall' | 'reset' | 'refuse' | { delayMs: number } | { cutAfter: string };

export interface Relay {
  port: number;
  /** What was held back by `stall` goes on with `pass`. */
  set(mood: Mood): Promise<void>;
  /** New connections lead to another server; those that are there break. */
  leadTo(target: Target): void;
  /** Connections that are there now never say another word, as when a firewall has forgotten them; new ones work. */
  forgetConnections(): void;
}

export interface Target {
  host: string;
  port: number;
}

interface Pair {
  near: Socket;
  far: Socket;
  forgotten: boolean;
}

export async function startRelay(first: Target): Promise<Relay> {
  let target = first;
  const pairs = new Set<Pair>();
  let mood: Mood = 'pass';

  const gate = async (pair: Pair) => {
    if (typeof mood === 'object' && 'delayMs' in mood) await pause(mood.delayMs);
    while (mood === 'stall' || pair.forgotten) await pause(20);
  };
  const cuts = (chunk: Buffer) => typeof mood === 'object' && 'cutAfter' in mood && chunk.includes(mood.cutAfter);
  const cut = ({ near, far }: Pair) => {
    mood = 'pass';
    near.resetAndDestroy();
    // Lets the server read what it was sent before it sees the end.
    far.resume().end();
  };
  const pump = async (pair: Pair, from: Socket, to: Socket) => {
    try {
      for await (const chunk of from) {
        await gate(pair);
        const isLast = from === pair.near && cuts(chunk as Buffer);
        to.write(chunk as Buffer);
        if (isLast) cut(pair);
      }
    } catch {
      // A broken connection is what this relay is for.
    }
    if (!pair.forgotten && !to.writableEnded) to.destroy();
  };
  const server = createServer((near) => {
    if (mood === 'reset') return void near.resetAndDestroy();
    const pair: Pair = { near, far: connect(target.port, target.host), forgotten: false };
    pairs.add(pair);
    near.once('close', () => pairs.delete(pair));
    pair.far.on('error', () => near.destroy());
    near.on('error', () => pair.far.destroy());
    void pump(pair, near, pair.far);
    void pump(pair, pair.far, near);
  });
  const breakAll = () => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  };
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));

  await listen(0);
  const { port } = server.address() as AddressInfo;
  closeAtEnd(async () => {
    mood = 'reset';
    for (const pair of pairs) pair.forgotten = false;
    breakAll();
    if (server.listening) await close();
  });
  return {
    port,
    set: async (next) => {
      mood = next;
      if (next === 'reset' || next === 'refuse') breakAll();
      if (next === 'refuse' && server.listening) await close();
      if (next !== 'refuse' && !server.listening) await listen(port);
    },
    leadTo: (next) => {
      target = next;
      breakAll();
    },
    forgetConnections: () => {
      for (const pair of pairs) pair.forgotten = true;
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
