// A circuit breaker per origin: while Bitbucket is down, nobody waits for it, and it is not kept down by our asking.
import { BitbucketFailure } from './failure.ts';
import type { HttpReply, HttpRequest } from './http.ts';

/** So many failures in a row, with no answer in between, count as an outage. */
const FAILURES_TO_OPEN = 10;
/** How long nothing is asked after that; then one request at a time tries. */
const OPEN_MS = 10_000;

interface Circuit {
  failures: number;
  /** Until then nothing is asked; 0 = closed. */
  openUntil: number;
  trying: boolean;
}

export interface Breaker {
  /** Runs an exchange, or throws `failed` at once while the far end is known to be down. */
  guard(request: HttpRequest, exchange: () => Promise<HttpReply>): Promise<HttpReply>;
  /** Whether requests to this origin are refused at this moment. */
  isOpen(origin: string): boolean;
}

/** @param now milliseconds, never going back */
export function createBreaker(now: () => number = () => performance.now()): Breaker {
  const circuits = new Map<string, Circuit>();

  return {
    async guard(request, exchange) {
      const circuit = circuitOf(circuits, new URL(request.url).origin);
      if (isClosedTo(circuit, now())) throw refusal(request, circuit.openUntil - now());
      const tries = circuit.openUntil !== 0;
      circuit.trying ||= tries;
      try {
        const reply = await exchange();
        note(circuit, reply.status >= 500, now());
        return reply;
      } catch (error) {
        // `throttled` is our own limit and says nothing about the far end.
        if (!(error instanceof BitbucketFailure) || error.reason !== 'throttled') note(circuit, true, now());
        throw error;
      } finally {
        if (tries) circuit.trying = false;
      }
    },
    isOpen: (origin) => (circuits.get(origin)?.openUntil ?? 0) > now(),
  };
}

function circuitOf(circuits: Map<string, Circuit>, origin: string): Circuit {
  const known = circuits.get(origin) ?? { failures: 0, openUntil: 0, trying: false };
  circuits.set(origin, known);
  return known;
}

function isClosedTo({ openUntil, trying }: Circuit, time: number): boolean {
  return openUntil > time || trying;
}

function note(circuit: Circuit, failed: boolean, time: number): void {
  circuit.failures = failed ? circuit.failures + 1 : 0;
  circuit.openUntil = circuit.failures >= FAILURES_TO_OPEN ? time + OPEN_MS : 0;
}

function refusal({ endpoint }: HttpRequest, waitMs: number): BitbucketFailure {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new BitbucketFailure('failed', endpoint, 'not asked: it has not answered lately', { retryAfterSeconds });
}
