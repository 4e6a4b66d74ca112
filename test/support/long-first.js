// The order of the test files. Jest begins with those that took longest the last time; a fresh clone does not know and goes
// by size. But files that wait for processes, browsers and imports are small: one of them at the end leaves a core idle,
// and so do several side by side.
import Sequencer from '@jest/test-sequencer';

const LONG = /\/test\/(browser|imports|operations)\//;

export default class LongFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isLong = ({ path, duration }) => duration === undefined && LONG.test(path);
    const long = sorted.filter(isLong);
    const others = sorted.filter((test) => !isLong(test));
    const order = [];
    // Three run at a time (jest.config.js): one that waits, beside two that keep the cores busy.
    while (order.length < tests.length) order.push(...long.splice(0, 1), ...others.splice(0, 2));
    return order;
  }
}
