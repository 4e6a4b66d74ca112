// The repositories of the demo: a small, a rich and an odd one, and so many more that a list of them needs a search.
import { join } from 'node:path';
import { makeGitRepository } from './git-story.ts';
import type { RepositoryMaker } from './options.ts';
import { makeRepository, type Repository } from './repositories.ts';
import { makeOddSample } from './sample-odd.ts';
import { makeRichSample } from './sample-rich.ts';
import { makeSmallSample } from './sample-small.ts';

/** In the workspaces of one sample person each: `acme`, `open-garden`, and the twelve of Dan's clients. */
export const SAMPLE_REPOSITORIES: readonly RepositoryMaker[] = [makeSmallSample, makeRichSample, makeOddSample];

const THINGS = ['shop', 'website', 'accounts', 'mail', 'stock', 'calendar', 'photos', 'search', 'reports', 'billing'];
const KINDS = ['', '-api', '-docs', '-tests', '-tools', '-archive', '-experiments', '-legacy', '-infra', '-mobile'];

/** So many repositories in these workspaces, in turn. They share one git repository with a single commit. */
export function manyRepositories(count: number, workspaces: readonly string[]): RepositoryMaker {
  return async (folder) => {
    const dir = join(folder, 'shared.git');
    await makeGitRepository(dir, {
      commits: [{ key: 'first', message: 'First\n', files: { 'README.md': '# One of many\n' } }],
      branches: { main: 'first' },
    });
    return Array.from({ length: count }, (_, index) => nth(index, dir, workspaces));
  };
}

function nth(index: number, dir: string, workspaces: readonly string[]): Repository {
  const round = Math.floor(index / workspaces.length);
  const thing = THINGS[round % THINGS.length]!;
  const kind = KINDS[Math.floor(round / THINGS.length) % KINDS.length]!;
  const generation = Math.floor(round / (THINGS.length * KINDS.length));
  const slug = `${thing}${kind}${generation === 0 ? '' : `-${generation + 1}`}`;
  const day = new Date(Date.parse('2023-01-01T08:00:00Z') + ((index * 37) % 1400) * 86_400_000);
  const updatedOn = day.toISOString().replace('Z', '000+00:00');
  return makeRepository({
    workspace: workspaces[index % workspaces.length]!,
    slug,
    dir,
    name: slug.charAt(0).toUpperCase() + slug.slice(1).replaceAll('-', ' '),
    description: `Number ${index + 1}`,
    isPrivate: index % 7 !== 0,
    parent: index % 11 === 0 ? `atelier/${slug}` : null,
    size: 1000 * ((index * 7919) % 90_000),
    createdOn: '2022-12-01T08:00:00.000000+00:00',
    updatedOn,
  });
}
