// Wants a whole core for a moment, and tells how much of one it got.
import { performance } from 'node:perf_hooks';

const LONG_MS = 800;

const [began, cpu] = [performance.now(), process.cpuUsage()];
while (performance.now() - began < LONG_MS);
const { user, system } = process.cpuUsage(cpu);
process.send({ share: (user + system) / 1000 / (performance.now() - began) });
process.on('disconnect', () => process.exit());
