// Where git is asked for the source and for forks of it: where the API says, and only at the provider itself.
import { repositoryReply } from '../../src/bitbucket/remote-repository.ts';
import { gitUrl } from '../../src/imports/sources.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { startFarEnd } from '../bitbucket/start-far-end.ts';
import { expectAll } from './brought.ts';
import type { World } from './world.ts';
import { importAll, startWorld } from './world.ts';

const SOURCE = 'acme/anvil';

describe('the address that the API names', () => {
  const uuid = '{7f5a3a6c-2b1d-4c8e-9f00-0123456789ab}';
  const cloneUrlOf = (clone: unknown) => repositoryReply.parse({ uuid, full_name: SOURCE, links: { clone } }).cloneUrl;

  test('is the one for https, without the name of whoever asks', () => {
    const ssh = { name: 'ssh', href: 'git@bitbucket.org:acme/anvil.git' };
    const https = { name: 'https', href: 'https://ada@bitbucket.org/acme/anvil.git' };
    expect(cloneUrlOf([ssh, https])).toBe('https://bitbucket.org/acme/anvil.git');
    expect(cloneUrlOf([null, 5, {}, https])).toBe('https://bitbucket.org/acme/anvil.git');
  });

  test.each([
    undefined,
    null,
    'https://bitbucket.org/acme/anvil.git',
    [],
    [{ name: 'https' }],
    [{ name: 'https', href: 'file:///etc/passwd' }],
    [{ name: 'https', href: 'http://bitbucket.org/acme/anvil.git' }],
    [{ name: 'https', href: 'https://bitbucket.org/acme/anvil.git?x=y' }],
    [{ name: 'ssh', href: 'https://bitbucket.org/acme/anvil.git' }],
  ])('is none where it says %j', (clone) => expect(cloneUrlOf(clone)).toBeNull());
});

describe('the address that git is given (IM-029)', () => {
  const urlOf = (told: string | null, fullName = SOURCE, home = 'https://bitbucket.org/') => {
    const project = { source_clone_url: told, source_full_name: SOURCE };
    return gitUrl({ access: { provider: { url: home } }, project } as Parameters<typeof gitUrl>[0], fullName);
  };

  test.each([
    [
      'the one that the API names',
      'https://bitbucket.org/scm/acme/anvil.git',
      'https://bitbucket.org/scm/acme/anvil.git',
    ],
    ['the documented one where it names none', null, 'https://bitbucket.org/acme/anvil.git'],
    [
      'the documented one where it names another host',
      'https://evil.test/acme/anvil.git',
      'https://bitbucket.org/acme/anvil.git',
    ],
    [
      'the documented one where it names another port',
      'https://bitbucket.org:8443/a.git',
      'https://bitbucket.org/acme/anvil.git',
    ],
    [
      'the documented one where it names a loopback',
      'http://127.0.0.1/acme/anvil.git',
      'https://bitbucket.org/acme/anvil.git',
    ],
  ])('is %s', (_, told, url) => expect(urlOf(told)).toBe(url));

  test('of a fork lies beside the source, or is the documented one', () => {
    expect(urlOf('https://bitbucket.org/scm/acme/anvil.git', 'carol/fork')).toBe(
      'https://bitbucket.org/scm/carol/fork.git',
    );
    expect(urlOf('https://bitbucket.org/x/1234.git', 'carol/fork')).toBe('https://bitbucket.org/carol/fork.git');
    expect(urlOf(null, 'carol/fork')).toBe('https://bitbucket.org/carol/fork.git');
  });

  test.each(['..', 'acme', 'acme/../x', 'acme/-rf', 'a/b/c', ''])('of %j is none', (name) =>
    expect(urlOf('https://bitbucket.org/scm/acme/anvil.git', name)).toBeUndefined(),
  );
});

/** Lets the API say that the repository lies there for git. */
function sayItLiesAt({ sandbox }: World, href: string): void {
  const links = { clone: [{ name: 'https', href }] };
  sandbox.fault('repository', { kind: 'change', json: { links } });
}

test('a repository that lies elsewhere at the provider is fetched from there', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample] } });
  const [uuid, workspace] = [
    world.sandbox.repository(SOURCE).uuid,
    world.sandbox.workspaces.find(({ slug }) => slug === 'acme')!.uuid,
  ];
  const path = `/${encodeURIComponent(workspace)}/${encodeURIComponent(uuid)}.git`;
  sayItLiesAt(world, `${world.sandbox.url.slice(0, -1)}${path}`.replace('//', '//alice@'));
  expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, SOURCE);
  const asked = [...world.sandbox.requestsTo('git'), ...world.sandbox.requestsTo('lfs')].map((request) => request.path);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter((one) => !one.startsWith(path))).toEqual([]);
});

test('nobody else is asked for it, whatever the API says, and no token goes there (IM-029)', async () => {
  const evil = await startFarEnd();
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample] } });
  sayItLiesAt(world, `${evil.url}acme/anvil.git`);
  expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
  expect(evil.requests).toEqual([]);
});
