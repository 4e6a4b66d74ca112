// Unified diffs as git and Bitbucket write them, and as somebody hostile would.
import type { DiffFile } from '../../src/projects/diff-text.ts';
import { parseDiff } from '../../src/projects/diff-text.ts';
import { cpuMs } from '../support/cpu.ts';

const linesOf = (file: DiffFile) =>
  file.hunks.flatMap(({ lines }) => lines.map(({ kind, old, new: to, text }) => `${kind} ${old} ${to} ${text}`));

test('lines have the numbers of both files', () => {
  const [file, ...more] = parseDiff(
    [
      'diff --git a/src/a.ts b/src/a.ts',
      'index 111..222 100644',
      '--- a/src/a.ts',
      '+++ b/src/a.ts',
      '@@ -10,4 +10,5 @@ function f() {',
      ' same',
      '-old',
      '+new',
      '+more',
      ' ',
      ' last',
      '@@ -90 +91 @@',
      '-x',
      '+y',
      '\\ No newline at end of file',
      '',
    ].join('\n'),
  );
  expect(more).toEqual([]);
  expect(file).toMatchObject({ oldPath: 'src/a.ts', newPath: 'src/a.ts', binary: false, added: 3, removed: 2 });
  expect(file!.hunks.map(({ heading }) => heading)).toEqual(['function f() {', '']);
  expect(linesOf(file!)).toEqual([
    'context 10 10 same',
    'removed 11 null old',
    'added null 11 new',
    'added null 12 more',
    'context 12 13 ',
    'context 13 14 last',
    'removed 90 null x',
    'added null 91 y',
  ]);
});

test.each([
  ['a new file', 'new file mode 100644\n--- /dev/null\n+++ b/n.txt\n@@ -0,0 +1 @@\n+x', null, 'n.txt'],
  ['a new empty file', 'new file mode 100644\nindex 0..e69', null, 'n.txt'],
  ['a removed file', 'deleted file mode 100644\n--- a/n.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-x', 'n.txt', null],
  ['a removed empty file', 'deleted file mode 100644', 'n.txt', null],
  ['a change of mode', 'old mode 100644\nnew mode 100755', 'n.txt', 'n.txt'],
  ['a renamed file', 'similarity index 100%\nrename from old dir/n.txt\nrename to n.txt', 'old dir/n.txt', 'n.txt'],
])('%s has the paths it had and has', (_title, rest, oldPath, newPath) => {
  expect(parseDiff(`diff --git a/n.txt b/n.txt\n${rest}\n`)).toMatchObject([{ oldPath, newPath }]);
});

test('a binary file has no lines', () => {
  const text = 'diff --git a/x y.png b/x y.png\nindex 1..2 100644\nBinary files a/x y.png and b/x y.png differ\n';
  expect(parseDiff(text)).toMatchObject([{ newPath: 'x y.png', binary: true, hunks: [] }]);
});

test('quoted paths are bytes in UTF-8', () => {
  const text = 'diff --git "a/caf\\303\\251 \\"x\\".txt" "b/caf\\303\\251 \\"x\\".txt"\nnew file mode 100644\n';
  expect(parseDiff(text)).toMatchObject([{ newPath: 'café "x".txt' }]);
});

test('what stands in a hunk is never a header', () => {
  const files = parseDiff(
    'diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,3 @@\n diff --git a/x b/x\n--- a/evil\n+++ b/evil\n+@@ -1 +1 @@\n',
  );
  expect(files).toHaveLength(1);
  expect(linesOf(files[0]!)).toEqual([
    'context 1 1 diff --git a/x b/x',
    'removed 2 null -- a/evil',
    'added null 2 ++ b/evil',
    'added null 3 @@ -1 +1 @@',
  ]);
});

test('a diff that is cut off in the middle keeps what it has', () => {
  const files = parseDiff('diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,900 +1,900 @@\n same\n+ne');
  expect(linesOf(files[0]!)).toEqual(['context 1 1 same', 'added null 2 ne']);
});

test.each([
  ['nothing', ''],
  ['no diff at all', '<html><body>Sign in</body></html>'],
  ['a header without paths', 'diff --git \n@@ -1 +1 @@\n-a\n+b'],
  ['a hunk before any file', '@@ -1 +1 @@\n-a\n+b'],
  ['numbers beyond reason', 'diff --git a/a b/a\n@@ -999999999,999999999 +1,999999999 @@\n x'],
])('%s does no harm', (_title, text) => expect(() => parseDiff(text)).not.toThrow());

test('a diff of 50,000 lines is read in a second', () => {
  const body = Array.from({ length: 50_000 }, (_, index) => `+line ${index}`).join('\n');
  const busy = cpuMs();
  const [file] = parseDiff(`diff --git a/a b/a\n--- /dev/null\n+++ b/a\n@@ -0,0 +1,50000 @@\n${body}\n`);
  expect(file!.added).toBe(50_000);
  expect(cpuMs() - busy).toBeLessThan(1000);
});
