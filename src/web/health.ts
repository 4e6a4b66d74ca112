// Health checks for load balancers and orchestrators. They need no Host, set no cookie and tell nothing but the state.
import type { Router } from 'express';
import { checkWritable } from '../db/migrate.ts';
import type { Services } from '../services.ts';

/** How long readiness waits for the database before it says no. */
const PATIENCE_MS = 2000;

export function healthRoutes(router: Router, services: Services): void {
  const { db, log } = services;
  router.get(
    '/-/health',
    (_req, res) => void res.set('Cache-Control', 'no-store').type('text/plain').send('Gatehouse OK\n'),
  );
  router.get('/-/liveness', (_req, res) => void res.set('Cache-Control', 'no-store').json({ status: 'ok' }));
  router.get('/-/readiness', async (_req, res) => {
    const ok = await withinPatience(checkWritable(db)).catch((error: unknown) => {
      log.warn({ err: error }, 'not ready: the database does not answer');
      return false;
    });
    const state = (good: boolean) => (good ? 'ok' : 'failed');
    const ready = ok && !services.leaving;
    res
      .status(ready ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json({ status: state(ready), database: state(ok) });
  });
}

async function withinPatience(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<false>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, false)));
  try {
    return await Promise.race([work.then(() => true), patience]);
  } finally {
    clearTimeout(timer);
  }
}
