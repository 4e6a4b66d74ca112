// The ways the far end can fail, and the list of those that are set.
import type { RouteName } from './route-names.ts';

/** Faults that change what is said. Parts an `answer` leaves out stay those of the real answer. */
export type ReshapingFault =
  /** `json`, `text` or `bytes` replaces the body; the request then does nothing: no code is used up, no token made. */
  | { kind: 'answer'; status?: number; headers?: Record<string, string>; json?: unknown; text?: string; bytes?: Buffer }
  /** Keys put into the real JSON answer; `undefined` takes one out. */
  | { kind: 'change'; json: Record<string, unknown> }
  /** A redirect that still has the real body. */
  | { kind: 'redirect'; to: string; status?: number }
  /** The real answer with a key `padding` of so many bytes. */
  | { kind: 'pad'; bytes: number }
  /** Arrays within arrays. */
  | { kind: 'deepJson'; depth: number }
  /** The real body as text/html. */
  | { kind: 'html' }
  /** The real JSON answer as application/x-www-form-urlencoded. */
  | { kind: 'form' }
  | { kind: 'utf16le' }
  /** A byte 0xFF at the start of the display name, or of the first text value. */
  | { kind: 'invalidUtf8' };

/** Faults of the connection, while the real answer is being sent. */
export type SendingFault =
  | { kind: 'stall'; at: 'headers' | 'body' }
  /** Content-Length is larger than the body, then the connection ends. */
  | { kind: 'truncate'; missingBytes?: number }
  | { kind: 'drip'; bytes: number; everyMs: number }
  /** Two writes with a pause inside the first character of more than one byte. */
  | { kind: 'splitMultibyte'; pauseMs?: number }
  /** Valid gzip that inflates to the real body and blanks, `bytes` in all. */
  | { kind: 'gzipBomb'; bytes: number }
  | { kind: 'hugeHeaders'; bytes: number }
  /** So many interim 100 answers before the real one. */
  | { kind: 'interimFlood'; count: number };

/** Faults before the request is looked at. */
export type EarlyFault =
  | { kind: 'delay'; ms: number }
  | { kind: 'stall'; at: 'accept' }
  /** The connection ends in good order, without an answer. */
  | { kind: 'hangUp' }
  /** The connection is reset. */
  | { kind: 'reset' };

export type Fault = (ReshapingFault | SendingFault | EarlyFault) & {
  /** Strikes so often, then never again. Default: every time. */
  times?: number;
  /** Lets so many requests pass first. Default 0. */
  after?: number;
};

/** Where a fault strikes: a route, or all of them. */
export type FaultTarget = RouteName | 'any';

export class FaultList {
  #set: { target: FaultTarget; fault: Fault; passed: number; struck: number }[] = [];

  add(target: FaultTarget, fault: Fault): void {
    this.#set.push({ target, fault, passed: 0, struck: 0 });
  }

  clear(): void {
    this.#set = [];
  }

  /** The fault for one request: of those set for the route the oldest that is not used up. Counts it. */
  strike(route: RouteName): Fault | undefined {
    for (const entry of this.#set) {
      if (entry.target !== route && entry.target !== 'any') continue;
      if (entry.struck >= (entry.fault.times ?? Infinity)) continue;
      if (entry.passed < (entry.fault.after ?? 0)) {
        entry.passed += 1;
        continue;
      }
      entry.struck += 1;
      return entry.fault;
    }
    return undefined;
  }
}
