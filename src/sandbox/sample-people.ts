// Who else took part in the sample repositories, and the projects these lie in.
import { uuidFor, type Contributor, type Project } from './repositories.ts';

const contributor = (key: string, given: Omit<Contributor, 'key' | 'uuid' | 'accountId'>): Contributor => {
  const uuid = uuidFor(`contributor ${key}`);
  return { key, uuid, accountId: `712020:${uuid.slice(1, -1)}`, ...given };
};

export const SAMPLE_CONTRIBUTORS: readonly Contributor[] = [
  contributor('frieda', { displayName: 'Frieda Former', nickname: 'frieda' }),
  contributor('quote', { displayName: `Tim "<b>Bold</b>" O'Neil & Söhne`, nickname: `"<b>tim</b>"` }),
  contributor('kanji', { displayName: '山田 太郎', nickname: '山田' }),
  contributor('assistant', { displayName: 'Review Assistant', kind: 'atlassian_app', aiAgent: true }),
  contributor('deploy-token', { displayName: 'deploy', kind: 'repository_access_token' }),
];

export const SAMPLE_PROJECTS: readonly Project[] = [
  project('acme', 'TOOLS', 'Tools', 'What falls, cuts and bangs'),
  project('acme', 'ODD', 'Odds & ends', ''),
  project('open-garden', 'PLANTS', 'Plants', 'Everything that grows'),
];

function project(workspace: string, key: string, name: string, description: string): Project {
  return {
    workspace,
    key,
    name,
    uuid: uuidFor(`project ${workspace}/${key}`),
    description,
    isPrivate: workspace === 'acme',
  };
}
