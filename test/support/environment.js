// Where tests run. Jest gives each test file a world of its own: with it every module is read, compiled and warmed up anew,
// for each of some 240 files, and what they leave behind makes the process so large that to start git from it takes longer
// than git does. Nothing here replaces modules, so what is tested is loaded once for each worker, by Node itself; only the
// files of test/ are in Jest's world.
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import Module, { createRequire, SourceMap } from 'node:module';
import { TestEnvironment } from 'jest-environment-node';
import { transformSync } from '@swc/core';

const SWC = { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'commonjs' } };

const compile = (filename, sourceMaps) =>
  transformSync(readFileSync(filename, 'utf8'), { ...SWC, filename, sourceMaps });

/** Maps of what was loaded here, made when an error names the file for the first time. */
const maps = new Map();

Module._extensions['.ts'] = (module, filename) => {
  maps.set(filename, undefined);
  module._compile(compile(filename, false).code, filename);
};

function mapOf(filename) {
  if (maps.has(filename) && maps.get(filename) === undefined)
    maps.set(filename, new SourceMap(JSON.parse(compile(filename, true).map)));
  return maps.get(filename);
}

/** A folder in memory, where there is one with room: on a disk the tests would wait for it most of their time. */
const MEMORY = '/dev/shm';
const ENOUGH_BYTES = 2 * 1024 ** 3;
if (existsSync(MEMORY) && roomIn(MEMORY) >= ENOUGH_BYTES) process.env.TMPDIR = MEMORY;

function roomIn(folder) {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Jest knows the lines of its own files only. */
function inSource(frame) {
  const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
  const origin = mapOf(frame.getFileName())?.findOrigin(line, column);
  if (origin?.lineNumber === undefined) return frame;
  const told = {
    getLineNumber: () => origin.lineNumber,
    getColumnNumber: () => origin.columnNumber,
    toString: () => String(frame).replace(`:${line}:${column}`, `:${origin.lineNumber}:${origin.columnNumber}`),
  };
  return new Proxy(frame, { get: (_, name) => told[name] ?? frame[name].bind(frame) });
}

const loadOnce = createRequire(import.meta.url);

/** What both sides make and look at: `error instanceof Error` is true whoever has made it. */
const SHARED = {
  ...{ Array, Date, Map, Object, Promise, RegExp, Set },
  ...{ AggregateError, Error, EvalError, RangeError, SyntaxError, TypeError, URIError },
};

const { exit } = process;

export default class Environment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    process.env.TEST_DATABASE = config.projectConfig.displayName.name;
    Object.assign(this.global, SHARED, { process, loadOnce });
  }

  handleTestEvent({ name }) {
    if (name !== 'setup') return;
    const { prepareStackTrace } = Error; // Jest's, set anew for each file
    Error.prepareStackTrace = (error, frames) => prepareStackTrace(error, frames.map(inSource));
  }

  async teardown() {
    process.exit = exit; // Jest puts one of its own there, which holds all of the file's world
    await super.teardown();
  }
}
