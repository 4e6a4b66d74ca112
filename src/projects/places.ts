// Where the files of a project lie, as absolute paths made of our own ids alone: no name from outside is part of any.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { AppError } from '../errors.ts';

type Where = Pick<Config, 'data_dir'>;

/** The bare repository. */
export function repositoryDir({ data_dir }: Where, projectId: number): string {
  return resolve(data_dir, 'repositories', `${projectId}.git`);
}

/**
 * The bare repository of a project whose code has been imported.
 * @throws AppError `files_missing` where a backup was restored without it, or processes do not share `data_dir`
 */
export function importedRepository(where: Where, projectId: number): string {
  const dir = repositoryDir(where, projectId);
  if (!existsSync(dir)) throw new AppError('files_missing', { cause: new Error(`there is no ${dir}`) });
  return dir;
}

/** All other files of the project. */
export function projectDir({ data_dir }: Where, projectId: number): string {
  return resolve(data_dir, 'projects', String(projectId));
}

/** What Bitbucket showed of a pull request whose commits it gives to nobody any more. */
export function snapshotFile(where: Where, projectId: number, number: number, form: 'diff' | 'patch'): string {
  return join(projectDir(where, projectId), 'snapshots', `${number}.${form}`);
}

/** Below it `<aa>/<bb>/<oid>`. */
export function lfsDir(where: Where, projectId: number): string {
  return join(projectDir(where, projectId), 'lfs');
}

export function attachmentsDir(where: Where, projectId: number): string {
  return join(projectDir(where, projectId), 'attachments');
}
