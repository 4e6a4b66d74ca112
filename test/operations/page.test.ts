// docs/operations.md names metrics, log events and settings of systemd; they have to be there.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry, collectDefaultMetrics } from 'prom-client';

const HERE = join(__dirname, '../..');
const PAGE = readFileSync(join(HERE, 'docs/operations.md'), 'utf8');
const SOURCE = readdirSync(join(HERE, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(HERE, 'src', name), 'utf8'))
  .join('\n');

/** The names in the first column of the table below a heading line. */
function firstColumn(head: RegExp): string[] {
  const lines = PAGE.split('\n');
  const start = lines.findIndex((line) => head.test(line)) + 2;
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  const cells = lines.slice(start, start + length).map((line) => line.split('|')[1] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

test('every log event that the page names is one', () => {
  const events = firstColumn(/^\| event /);
  expect(events.length).toBeGreaterThan(10);
  // Those of the audit log have a capital in its table, and are logged in small letters.
  for (const event of events) expect(SOURCE).toMatch(new RegExp(`['\`]${event}`, 'i'));
});

test('every metric that the page names is one, and none of ours is forgotten', () => {
  const names = firstColumn(/^\| metric /);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const ours = [...SOURCE.matchAll(/name: '(gatehouse_\w+)'/g)].map(([, name]) => name);
  const standard = registry.getMetricsAsArray().map(({ name }) => name);
  expect([...standard, ...ours]).toEqual(expect.arrayContaining(names));
  expect(names).toEqual(expect.arrayContaining(ours));
});

test('links within the page and to other pages lead somewhere', () => {
  for (const [, target = ''] of PAGE.matchAll(/\]\(([^)#]*)(?:#[^)]*)?\)/g)) {
    if (target !== '') expect(readFileSync(join(HERE, 'docs', target), 'utf8')).not.toBe('');
  }
  for (const [, anchor = ''] of PAGE.matchAll(/\]\(#([^)]+)\)/g)) {
    const headings = [...PAGE.matchAll(/^## (.+)$/gm)].map(([, text = '']) =>
      text.toLowerCase().replaceAll(',', '').replaceAll(' ', '-'),
    );
    expect(headings).toContain(anchor);
  }
});
