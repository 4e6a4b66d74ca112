// Files of deleted projects. Rows go in a transaction, files cannot: what is to be removed is written down with the deletion,
// so that no crash in between leaves anything behind. Nothing is removed that this database has not had: another one
// that is started with the same data_dir by mistake takes nothing away.
import { rm } from 'node:fs/promises';
import { removeMirror } from '../git/mirror.ts';
import type { Services } from '../services.ts';
import { projectDir, repositoryDir } from './places.ts';
import { forgetDeletedProject, listDeletedProjects } from './records.ts';

/** A worker that was importing writes on until it notices, and git for longer: so long it is looked again. */
const LOOKED_AFTER_MS = 24 * 3600_000;

/** After a deletion, and from time to time. Never rejects for a file that cannot be removed: it is tried again. */
export async function removeDeletedFiles(services: Pick<Services, 'db' | 'config' | 'now' | 'log'>): Promise<void> {
  const { db, config, now, log } = services;
  for (const { id, deleted_at } of await listDeletedProjects(db)) {
    try {
      await removeMirror(repositoryDir(config(), id));
      await rm(projectDir(config(), id), { recursive: true, force: true });
    } catch (error) {
      log.warn({ err: error, project_id: id }, 'files of a deleted project could not be removed; trying again later');
      continue;
    }
    if (deleted_at < now() - LOOKED_AFTER_MS) await forgetDeletedProject(db, id);
  }
}
