// Preloaded into a process that is measured (`node --import`): when it ends, it writes down how long its event loop was
// held up, in milliseconds, into the file that BENCH_LOOP_FILE names.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const EVERY_MS = 5;
const delay = monitorEventLoopDelay({ resolution: EVERY_MS });
delay.enable();
process.on('exit', () => {
  // What is recorded is the time from one look to the next.
  const late = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - EVERY_MS);
  const held = { p99: late(delay.percentile(99)), max: late(delay.max) };
  writeFileSync(process.env.BENCH_LOOP_FILE, JSON.stringify(held));
});
