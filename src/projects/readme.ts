// The README of a project: found on its default branch, as Markdown where its name says so.
import type { Config } from '../config/schema.ts';
import type { Project } from '../db/project-tables.ts';
import { listTree, readBlob } from '../git/repository.ts';
import { repositoryDir } from './places.ts';

export interface Readme {
  path: string;
  text: string;
  isMarkdown: boolean;
}

const MAX_BYTES = 512 * 1024;
/** Best first; upper and lower case are the same. */
const NAMES = ['readme.md', 'readme.markdown', 'readme', 'readme.txt', 'readme.rst'];

/** @returns undefined when there is none, or none that can be shown */
export async function findReadme(where: Pick<Config, 'data_dir'>, project: Project): Promise<Readme | undefined> {
  if (project.default_branch === null) return undefined;
  const dir = repositoryDir(where, project.id);
  const branch = `refs/heads/${project.default_branch}`;
  const entries = (await listTree(dir, branch, '')) ?? [];
  // A link is shown nowhere: what it leads to is another file, or none of ours.
  const files = new Map(
    entries
      .filter(({ type }) => type === 'file' || type === 'executable')
      .map(({ name }) => [name.toLowerCase(), name]),
  );
  const found = NAMES.find((name) => files.has(name));
  if (found === undefined) return undefined;
  const path = files.get(found)!;
  const content = (await readBlob(dir, branch, path, MAX_BYTES))?.content;
  if (content === undefined || content.includes(0)) return undefined;
  return { path, text: content.toString(), isMarkdown: /\.(md|markdown)$/.test(found) };
}
