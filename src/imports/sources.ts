// Where git finds the source of a project, and where it lies here.
import { slugPattern } from '../bitbucket/remote-repository.ts';
import type { Remote } from '../git/remote.ts';
import { repositoryDir } from '../projects/places.ts';
import type { Job } from './job.ts';

/** Longer than a clone takes that still moves, however slowly: for one that does not, see STUCK_MS of the worker. */
export const GIT_TIMEOUT_MS = 48 * 3600_000;

/** More branches and tags than any repository in use has. */
export const MOST_REFS = 200_000;

const BYTES_PER_MB = 1024 * 1024;

/** The bare repository of the project. */
export function dirOf({ services, project }: Job): string {
  return repositoryDir(services.config(), project.id);
}

export function mostBytes({ services }: Job): number {
  return services.config().import.max_repository_mb * BYTES_PER_MB;
}

/**
 * Address of the source, or of a fork of it, for git. The API says where the source lies; but that is text from outside,
 * and our credentials go there, so it counts only where it lies at the provider's own address. Of forks nothing is said:
 * they lie beside the source. @returns undefined for what is no `workspace/slug`
 */
export function gitUrl({ access, project }: Pick<Job, 'access' | 'project'>, fullName: string): string | undefined {
  const parts = fullName.split('/');
  if (parts.length !== 2 || !parts.every((part) => slugPattern.test(part))) return undefined;
  const { source_clone_url: told, source_full_name: source } = project;
  const home = access.provider.url;
  const documented = `${home}${fullName}.git`;
  if (told === null || new URL(told).origin !== new URL(home).origin) return documented;
  if (fullName === source) return told;
  const end = `/${source}.git`;
  return told.endsWith(end) ? `${told.slice(0, -end.length)}/${fullName}.git` : documented;
}

/** Lets `work` talk to a repository of the source with credentials that are good at this moment. */
export async function withRemote<T>(job: Job, fullName: string, work: (remote: Remote) => Promise<T>): Promise<T> {
  const url = gitUrl(job, fullName);
  if (url === undefined) throw new Error(`${job.project.id} has a source that is no workspace/slug`);
  return job.access.git((credential) => work({ url, credential, onLife: job.pulse }));
}
