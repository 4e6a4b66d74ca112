// Metrics for Prometheus: are people getting in, how long does it take, and why not.
import { BlockList, isIPv6 } from 'node:net';
import type { Request, RequestHandler } from 'express';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { Config } from '../config/schema.ts';
import { AppError } from '../errors.ts';

export interface Metrics {
  /** @param result `ok` or the code of the error that was shown */
  signIn(provider: string, result: string, seconds: number): void;
  /** Measures every request. */
  observe: RequestHandler;
  /** GET /-/metrics */
  serve: RequestHandler;
}

export function createMetrics(config: () => Config): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const ofProcess = metricsOfProcess();
  const signIns = new Counter({
    name: 'gatehouse_sign_ins_total',
    help: 'Sign-ins by provider and result (ok, or the error code that was shown)',
    labelNames: ['provider', 'result'],
    registers,
  });
  const signInSeconds = new Histogram({
    name: 'gatehouse_sign_in_duration_seconds',
    help: 'From the callback or the sent form to the answer, the waiting for Bitbucket included',
    labelNames: ['provider'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'gatehouse_http_request_duration_seconds',
    help: 'Requests by method and status',
    labelNames: ['method', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return {
    signIn: (provider, result, seconds) => {
      signIns.inc({ provider, result });
      signInSeconds.observe({ provider }, seconds);
    },
    observe: (req, res, next) => {
      const start = performance.now();
      res.once('close', () => {
        requestSeconds.observe({ method: req.method, status: res.statusCode }, (performance.now() - start) / 1000);
      });
      next();
    },
    serve: async (req, res) => {
      // Not there for anybody else: a status of its own would tell strangers that there is something to find.
      if (!mayRead(req, config().monitoring.allow)) throw new AppError('not_found');
      const text = await Registry.merge([ofProcess, registry]).metrics();
      res.set({ 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' }).send(text);
    },
  };
}

let processRegistry: Registry | undefined;

/** Memory, CPU, event loop: the same for all applications of a process. What watches them never stops. */
function metricsOfProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

const FORWARDING = /^(forwarded|via|x-real-ip|x-forwarded-.*)$/;

/**
 * A forwarding header from a peer that is no trusted proxy means that a proxy nobody told us about stands in between:
 * then everybody seems to come from its address, often loopback, and the address proves nothing.
 */
function mayRead(req: Request, allow: readonly string[]): boolean {
  const trusts = req.app.get('trust proxy fn') as (address: string, hop: number) => boolean;
  const peer = req.socket.remoteAddress ?? '';
  if (Object.keys(req.headers).some((name) => FORWARDING.test(name)) && !trusts(peer, 0)) return false;
  return contains(allow, req.ip ?? '');
}

function contains(networks: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [base = '', bits] = network.split('/');
    const family = isIPv6(base) ? 'ipv6' : 'ipv4';
    list.addSubnet(base, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
