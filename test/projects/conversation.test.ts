// Threads, their places on a diff, and what happened in between, in order.
import type { Activity, Comment } from '../../src/db/project-tables.ts';
import { threadsOf } from '../../src/projects/conversation.ts';
import { parseDiff } from '../../src/projects/diff-text.ts';
import { excerptOf, placeThreads } from '../../src/projects/threads-on-diff.ts';
import { timelineOf } from '../../src/projects/timeline.ts';
import { AT, comment } from './make.ts';

function row(id: number, values: Partial<Comment> = {}): Comment {
  return {
    project_id: 1,
    source_gone_at: null,
    ...(comment(id) as Omit<Comment, 'project_id' | 'source_gone_at'>),
    ...values,
  };
}

const place = (values: object) => JSON.stringify({ path: 'a.txt', from: null, to: null, ...values });
const shapeOf = (comments: Comment[]) =>
  threadsOf(comments).map(({ first, replies }) => [first.id, ...replies.map(({ id }) => id)]);

describe('threads', () => {
  test('answers stand behind the comment that began it, however deep they answer each other', () => {
    const comments = [row(1), row(2, { parent_id: 1 }), row(3), row(4, { parent_id: 2 }), row(5, { parent_id: 3 })];
    expect(shapeOf(comments)).toEqual([
      [1, 2, 4],
      [3, 5],
    ]);
  });

  test('an answer to what is gone begins a thread of its own (IR-015)', () => {
    expect(shapeOf([row(2, { parent_id: 99 }), row(3, { parent_id: 2 })])).toEqual([[2, 3]]);
  });

  test('comments that answer in a circle are all there once', () => {
    const circle = [
      row(1, { parent_id: 3 }),
      row(2, { parent_id: 1 }),
      row(3, { parent_id: 2 }),
      row(4, { parent_id: 4 }),
    ];
    expect(shapeOf(circle).flat().sort()).toEqual([1, 2, 3, 4]);
  });

  test('an answer may come before the comment it answers', () => {
    expect(shapeOf([row(1, { parent_id: 5 }), row(5)])).toEqual([[5, 1]]);
  });

  test('the place may be named by an answer only; a place without a path is none', () => {
    const named = threadsOf([row(1), row(2, { parent_id: 1, inline: place({ to: 3 }) })]);
    expect(named[0]!.inline).toMatchObject({ path: 'a.txt', to: 3, start_to: null, outdated: false });
    expect(threadsOf([row(1, { inline: '{}' })])[0]!.inline).toBeNull();
  });
});

const files = parseDiff(
  [
    'diff --git a/old.txt b/a.txt',
    'rename from old.txt',
    'rename to a.txt',
    '--- a/old.txt',
    '+++ b/a.txt',
    '@@ -1,6 +1,6 @@',
    ' one',
    ' two',
    ' three',
    ' four',
    '-five',
    '+FIVE',
    ' six',
    '',
  ].join('\n'),
);

describe('places on a diff', () => {
  const placed = (inline: object) => {
    const { behind, atHead, nowhere } = placeThreads(files, threadsOf([row(1, { inline: place(inline) })]));
    return [[...behind.keys()].map(({ kind, text }) => `${kind} ${text}`), atHead.size, nowhere.length];
  };

  test.each([
    ['a line of the new file', { to: 5 }, [['added FIVE'], 0, 0]],
    ['a line of the old file', { from: 5 }, [['removed five'], 0, 0]],
    ['a line under the old path', { path: 'old.txt', from: 5 }, [['removed five'], 0, 0]],
    ['several lines: the last of them', { start_to: 2, to: 4 }, [['context four'], 0, 0]],
    ['the file as a whole', {}, [[], 1, 0]],
    ['a line that is not shown', { to: 77 }, [[], 1, 0]],
    ['a line of an older state', { to: 5, outdated: true }, [[], 1, 0]],
    ['a file that is not among the changes', { path: 'else.txt', to: 1 }, [[], 0, 1]],
  ])('%s', (_title, inline, expected) => expect(placed(inline)).toEqual(expected));

  test('an excerpt ends at the line it is about and begins where the comment does, or a little before', () => {
    const excerpt = (inline: object) =>
      excerptOf(files, threadsOf([row(1, { inline: place(inline) })])[0]!.inline!).map(({ text }) => text);
    expect(excerpt({ to: 5 })).toEqual(['three', 'four', 'five', 'FIVE']);
    expect(excerpt({ start_to: 1, to: 3 })).toEqual(['one', 'two', 'three']);
    expect(excerpt({ start_to: 5, to: 2 })).toEqual(['one', 'two']);
    expect(excerpt({ to: 77 })).toEqual([]);
    expect(excerpt({ to: 5, outdated: true })).toEqual([]);
  });
});

describe('what happened', () => {
  const event = (at: number, kind: Activity['kind'], data: object = {}): Activity => ({
    project_id: 1,
    number: 1,
    key: `${at}`,
    kind,
    author: '{a}',
    at: AT + at,
    data: JSON.stringify(data),
  });
  const told = (rows: Activity[], comments: Comment[] = []) =>
    timelineOf(threadsOf(comments), rows).map((item) =>
      'thread' in item
        ? `comment ${item.thread.first.id}`
        : [item.happening.words, item.happening.detail].filter(Boolean).join(' '),
    );

  test('updates tell what they have changed; the first one is how it was opened', () => {
    const open = { state: 'OPEN', title: 'A', source_commit: 'a'.repeat(40), destination_branch: 'main' };
    expect(
      told([
        event(1, 'update', open),
        event(2, 'update', { ...open, source_commit: 'b'.repeat(40) }),
        event(3, 'update', { ...open, source_commit: null, title: 'B', destination_branch: 'dev' }),
        event(4, 'update', { title: 'B' }),
        event(5, 'approval'),
        event(6, 'changes_requested'),
        event(7, 'update', { state: 'DECLINED', reason: 'Not now' }),
      ]),
    ).toEqual([
      'pushed commits up to bbbbbbbbbbbb',
      'changed the title to B',
      'changed the destination to dev',
      'approved',
      'asked for changes',
      'declined it Not now',
    ]);
  });

  test('an end is told also when nothing is known from before it', () => {
    expect(told([event(1, 'update', { state: 'MERGED' })])).toEqual(['merged it']);
  });

  test('comments stand in between, by time', () => {
    const rows = [event(5_000, 'approval'), event(20_000, 'update', { state: 'merged' })];
    expect(told(rows, [row(1), row(9), row(30)])).toEqual([
      'comment 1',
      'approved',
      'comment 9',
      'merged it',
      'comment 30',
    ]);
  });

  test('data of an unexpected form tells nothing and does no harm', () => {
    expect(told([event(1, 'update', { state: 7, title: null }), event(2, 'update', [])])).toEqual([]);
  });
});
