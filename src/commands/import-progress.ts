// How an import looks on a terminal, and as JSON lines for everything else.
import type { ImportJson } from '../imports/describe.ts';

const BAR_WIDTH = 24;

/** One line that is written over, and one that stays for each stage that is done. */
export function showState(terminal: { write(text: string): unknown }): (state: ImportJson) => void {
  const told = new Set<string>();
  return (state) => {
    terminal.write('\r\x1b[K');
    for (const { name, status, done, skipped } of state.stages) {
      if (status !== 'done' || told.has(name)) continue;
      told.add(name);
      terminal.write(`  ${words(name).padEnd(20)} ${done}${skipped > 0 ? `, ${skipped} not brought` : ''}\n`);
    }
    terminal.write(currentLine(state));
    if (state.finished_at !== null) terminal.write(`${endWords(state)}\n`);
  };
}

/** What moves, each time that something of it has moved; at the end the whole state. */
export function showLine(out: (line: string) => void): (state: ImportJson) => void {
  let last = '';
  return (state) => {
    const line = JSON.stringify(state.finished_at === null ? movingOf(state) : state);
    if (line !== last) out(line);
    last = line;
  };
}

/** `done` and `total` are those of the stage under way. */
function movingOf({ id, status, stage, stages, waiting_until, reason }: ImportJson) {
  const { done = 0, total = null } = stages.find(({ name }) => name === stage) ?? {};
  return { id, status, stage, done, total, waiting_until, ...(status === 'waiting' ? { reason } : {}) };
}

function currentLine(state: ImportJson): string {
  if (state.status === 'waiting')
    return `  waiting${state.waiting_until ? ` until ${state.waiting_until}` : ''}: ${state.reason}`;
  const stage = state.stages.find(({ status }) => status === 'running');
  if (!stage || state.finished_at !== null) return '';
  const { name, done, total, skipped } = stage;
  if (total === null || total === 0) return `  ${words(name).padEnd(20)} ${done + skipped}`;
  const part = Math.min(1, (done + skipped) / total);
  const filled = Math.round(part * BAR_WIDTH);
  return `  ${words(name).padEnd(20)} ${'#'.repeat(filled).padEnd(BAR_WIDTH, '.')} ${done + skipped}/${total}`;
}

function endWords({ status, reason, failures, api_calls: calls }: ImportJson): string {
  const items = failures.map(({ kind, key, reason: why }) => `\n    ${words(kind)} ${key}: ${why}`).join('');
  return `  ${status}, ${calls} calls of the API.${reason === null ? '' : ` ${reason}`}${items}`;
}

function words(name: string): string {
  return name.replace(/_/g, ' ');
}
