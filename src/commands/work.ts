// `gatehouse work`: job workers only. As many of these as wanted, on as many machines as share data_dir and database.
import { setFlagsFromString } from 'node:v8';
import { ImportWorker } from '../imports/worker.ts';
import type { Command } from './command.ts';
import { isByNpm, openServing, stopOnSignals } from './serve.ts';

const LONG_MS = 2 ** 30;
/** V8 waits until garbage is twice what is alive. Nobody waits for an answer of this process: half of it is soon enough. */
const COLLECT_SOONER = '--heap-growing-percent=50';

export const work: Command = async (context) => {
  setFlagsFromString(COLLECT_SOONER);
  const { services, log, first, cleanUp } = await openServing(context);
  const worker = new ImportWorker(services).start();
  // Timers of the worker do not keep a process alive: what serves people does. Here nothing else is.
  const alive = setInterval(() => undefined, LONG_MS);
  log.info({ concurrency: first.config.import.concurrency, pid: process.pid }, 'Gatehouse works on imports');
  const stop = async () => {
    clearInterval(alive);
    await worker.stop();
    await services.close();
  };
  stopOnSignals({ server: { stop }, log, byNpm: isByNpm(context), cleanUp });
  return undefined;
};
