// Writes docs/security-cases.md: what an attacker or a fault may try, and the test that shows what comes of it. The test is
// found by the id in its title. What each id requires is in cases.txt; why an id has no test, in untested.txt.
// `npm run docs` runs this; with --check it only looks, and page.test.ts fails when the page is stale or an id is forgotten.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const TESTS = join(HERE, '..');
const PAGE = join(HERE, '../../docs/security-cases.md');

/** Each section has ids from 1 to this number; `undefined`: only those that are tests. */
const SECTIONS = [
  ['CB', 66, 'Starting a sign-in, and the callback'],
  ['RD', 16, 'Return targets'],
  ['SE', 53, 'Sessions and cookies'],
  ['PF', 33, 'Faults of Bitbucket'],
  ['LK', 37, 'Who somebody is'],
  ['PW', 28, 'The regular form'],
  ['AD', undefined, 'Administration'],
  ['CF', 15, 'Configuration'],
  ['HT', 26, 'HTTP and pages'],
  ['IM', 45, 'Importing what is hostile'],
  ['IR', 37, 'Importing when things fail'],
  ['LG', 9, 'Log and secrets'],
  ['DB', 14, 'The database'],
];

const HEAD = `# Security cases

What attackers and faults may try, by number, and what shows that it does not work. Each line says what has to hold; in
brackets is the file below \`test/\` and, after it, the title of each test that shows it. A title names its ids, so
\`npx jest -t CB-010\` runs the tests of one case. All of them run with \`npm test\`. Where no test is named, the line says
why: what is not offered cannot be attacked, what comes later brings its tests along, and what needs much time or load is
measured by \`npm run soak\`.

<!-- Generated from the titles of the tests and from test/security-cases/*.txt by "npm run docs". -->
<!-- prettier-ignore-start -->
`;

/** @returns the text of the page, and what is wrong with the lists */
function securityCases() {
  const required = readList('cases.txt');
  const reasons = readList('untested.txt');
  const tests = findTests();
  const problems = [];
  const ids = SECTIONS.flatMap(([section, count]) =>
    count === undefined
      ? [...required.keys()].filter((id) => id.startsWith(section))
      : Array.from({ length: count }, (_, index) => idOf(section, index + 1)),
  );
  for (const id of ids) {
    if (!required.has(id)) problems.push(`${id} is not in test/security-cases/cases.txt`);
    if (!tests.has(id) && !reasons.has(id)) problems.push(`${id} is in no title, and not in untested.txt`);
  }
  for (const id of [...tests.keys(), ...required.keys(), ...reasons.keys()]) {
    const isOurs = SECTIONS.some(([section]) => id.startsWith(section));
    if (isOurs && !ids.includes(id)) problems.push(`${id} is no case of test/security-cases/cases.txt`);
  }
  const parts = SECTIONS.map(([section, , heading]) => {
    const lines = ids
      .filter((id) => id.startsWith(section))
      .map((id) => `- **${id}** ${required.get(id)} ${proofOf(tests.get(id), reasons.get(id))}`);
    return `## ${section}: ${heading}\n\n${lines.join('\n')}\n`;
  });
  const idle = [...reasons.keys()].filter((id) => tests.has(id));
  return {
    text: `${HEAD}\n${parts.join('\n')}\n<!-- prettier-ignore-end -->\n`,
    problems: [...new Set(problems)],
    idle,
  };
}

function proofOf(tests, reason) {
  if (!tests) return `**No test:** ${reason}.`;
  return tests.map(({ file, title }) => `[${file}] ${title}`).join('; ');
}

/** Lines `CB-001 words`, in the order of the file. */
function readList(name) {
  const lines = readFileSync(join(HERE, name), 'utf8').trim().split('\n');
  return new Map(lines.map((line) => [line.slice(0, 6), line.slice(7)]));
}

/** @returns for each id the tests whose titles name it */
function findTests() {
  const found = new Map();
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  for (const file of files.sort()) {
    for (const title of titlesIn(readFileSync(join(TESTS, file), 'utf8'))) {
      for (const id of idsIn(title)) {
        const words = title.replace(/ \([A-Z]{2}-\d{3}[^)]*\)/g, '').replaceAll('`', "'");
        found.set(id, [...(found.get(id) ?? []), { file, title: `\`${words}\`` }]);
      }
    }
  }
  return found;
}

/** Texts with an id in brackets. A title stands on one line. */
function titlesIn(source) {
  const lines = source.split('\n').filter((line) => !/^\s*(\/\/|\*)/.test(line));
  const literals = lines.flatMap((line) => [...line.matchAll(/(['"`])((?:\\.|(?!\1).)*)\1/g)]);
  return literals.map(([, , text]) => text.replace(/\\(.)/g, '$1')).filter((text) => /\([A-Z]{2}-\d{3}/.test(text));
}

/** `CB-001 to CB-003` are three. */
function idsIn(title) {
  return [...title.matchAll(/\b([A-Z]{2})-(\d{3})(?: to \1-(\d{3}))?/g)].flatMap(([, section, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => idOf(section, Number(first) + index)),
  );
}

function idOf(section, number) {
  return `${section}-${String(number).padStart(3, '0')}`;
}

const { text, problems, idle } = securityCases();
if (process.argv.includes('--check')) {
  if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== text)
    problems.push(`docs/security-cases.md is stale; run: npm run docs`);
} else {
  writeFileSync(PAGE, text);
  if (idle.length > 0) console.error(`tests by now, so their lines in untested.txt can go: ${idle.join(' ')}`);
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
