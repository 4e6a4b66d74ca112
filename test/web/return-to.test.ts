// Which return targets are pages of ours.
import { checkReturnTo } from '../../src/web/return-to.ts';
import { BAD, ENCODED, GOOD, OWN_DOORS, REEMITTED } from './redirect-corpus.ts';

test('the collection is large enough to mean something', () => {
  expect(new Set(BAD).size).toBeGreaterThanOrEqual(150);
});

test.each(GOOD)('%s is a page of ours and stays as it is', (wish) => {
  expect(checkReturnTo(wish, '')).toBe(wish);
});

test.each(BAD)('%j is refused', (wish) => {
  expect(checkReturnTo(wish, '')).toBeUndefined();
});

test('what a URL parser takes for a path of ours and turns into another site is refused (RD-008)', () => {
  const ours = 'http://ours.test';
  const turned = REEMITTED.filter((wish) => new URL(wish, ours).origin === ours);
  expect(turned.length).toBeGreaterThan(5);
  for (const wish of turned) expect(new URL(wish, ours).pathname).toMatch(/^\/\/|^\/evil/);
  for (const wish of REEMITTED) expect(checkReturnTo(wish, '')).toBeUndefined();
});

test('what one more decoding turns into another site is refused, however often it is asked (RD-009)', () => {
  for (const wish of ENCODED) expect(checkReturnTo(wish, '')).toBeUndefined();
  const below = ENCODED.filter((wish) => wish.startsWith('/'));
  for (const wish of below) expect(checkReturnTo(`/gate${wish}`, '/gate')).toBeUndefined();
});

test('where one signs in and out is no place to go back to, in whatever spelling (RD-013)', () => {
  for (const wish of OWN_DOORS) expect(checkReturnTo(`/gate${wish}`, '/gate')).toBeUndefined();
});

test.each([undefined, null, 1, ['/a'], { toString: () => '/a' }])('%p is no wish', (wish) => {
  expect(checkReturnTo(wish, '')).toBeUndefined();
});

test('below a path prefix only pages below it are ours', () => {
  expect(checkReturnTo('/gate', '/gate')).toBe('/gate');
  expect(checkReturnTo('/gate/x?y', '/gate')).toBe('/gate/x?y');
  for (const wish of ['/', '/other', '/gatekeeper', '/gate/users/auth', '/gate/../x']) {
    expect(checkReturnTo(wish, '/gate')).toBeUndefined();
  }
});
