// The order of the test files. Jest begins with those that took longest the last time; a fresh clone does not know and goes
// by size. But files that wait for processes, browsers and imports are small: one of them at the end leaves a core idle,
// and so do several side by side.
import Sequencer from '@jest/test-sequencer';

const LONGEST =
  /\/test\/(browser\/pages|commands\/commands|imports\/(commands|every-write|resume)|operations\/restarts)\./;
const LONG = /\/test\/(browser|imports|operations)\//;

export default class LongFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isUnknown = ({ duration }) => duration === undefined;
    const longest = sorted.filter((test) => isUnknown(test) && LONGEST.test(test.path));
    const long = sorted.filter((test) => isUnknown(test) && LONG.test(test.path) && !longest.includes(test));
    const others = sorted.filter((test) => !longest.includes(test) && !long.includes(test));
    const order = [];
    // Several run at a time (jest.config.js): one that waits, beside two that keep the cores busy.
    while (order.length < tests.length) {
      order.push(...(longest.length > 0 ? longest : long).splice(0, 1), ...others.splice(0, 2));
    }
    return order;
  }
}
