// Loaded into the server under test (`node --import`): says so in its log when something has changed the prototype that
// every object shares. A request that could do that would change what other people's requests see.
import { setInterval } from 'node:timers';

const EVERY_MS = 1000;
const known = { Object: ownKeys(Object.prototype), Array: ownKeys(Array.prototype) };

function ownKeys(prototype) {
  return Reflect.ownKeys(prototype).map(String).join();
}

function look() {
  if (ownKeys(Object.prototype) === known.Object && ownKeys(Array.prototype) === known.Array) return;
  process.stdout.write('{"level":"fatal","msg":"a prototype has been polluted"}\n');
}

setInterval(look, EVERY_MS).unref();
process.once('exit', look);
