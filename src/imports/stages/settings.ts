// Settings of the repository that are worth looking up later. Nothing here acts on them, and no secret is among them.
import { BitbucketFailure } from '../../bitbucket/failure.ts';
import type { SettingKind } from '../../bitbucket/import-client.ts';
import { SETTINGS } from '../../bitbucket/import-client.ts';
import { cleanJson } from '../../projects/clean-text.ts';
import { saveSourceSettings } from '../../projects/records.ts';
import type { Job } from '../job.ts';
import { reasonOf } from '../words.ts';
import type { Stage } from '../stage.ts';

const KINDS = Object.keys(SETTINGS) as SettingKind[];

/** Its cursor is the kind that was read last. */
export const settings: Stage = {
  name: 'settings',
  async run(job, progress) {
    await progress.save({ total: KINDS.length });
    for (const kind of KINDS.slice(KINDS.indexOf(progress.cursor as SettingKind) + 1)) {
      const here = await bring(job, kind);
      await progress.save({
        cursor: kind,
        ...(here ? { done: progress.done + 1 } : { skipped: progress.skipped + 1 }),
      });
    }
  },
  async bringOne(job, key) {
    await bring(job, key as SettingKind);
  },
};

/** Only administrators of the repository may see some of them. Whoever is none does not miss them: that is no failure. */
async function bring(job: Job, kind: SettingKind): Promise<boolean> {
  const item = { stage: 'settings', kind: 'setting', key: kind, sourceUrl: job.project.source_url || null } as const;
  let isShown = true;
  const here = await job.attempt(item, async () => {
    try {
      const values = (await job.client.listSettings(job.source, kind)).map(withoutSecrets);
      await job.save((trx) => saveSourceSettings(trx, job.project.id, [{ kind, value: cleanJson(values) }]));
    } catch (error) {
      if (!(error instanceof BitbucketFailure) || ![403, 404].includes(error.remoteStatus ?? 0)) throw error;
      isShown = false;
      await job.note(`Not brought: ${kind.replace('_', ' ')}. ${reasonOf(error)}`);
    }
  });
  return here && isShown;
}

const SECRET = /secret|token|password|credential/i;

/** Bitbucket gives no secrets of webhooks; but people put some into their addresses. */
function withoutSecrets(value: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(value).filter(([name]) => !SECRET.test(name) || name === 'secret_set');
  return Object.fromEntries(kept.map(([name, each]) => [name, name === 'url' ? plainAddress(each) : each]));
}

function plainAddress(value: unknown): unknown {
  if (typeof value !== 'string' || !URL.canParse(value)) return value;
  const url = new URL(value);
  return `${url.origin}${url.pathname}`;
}
