// The smaller things that belong to a repository.
import type { Who } from './repositories.ts';

/** An object of API 2.0. */
export type Json = Record<string, unknown>;

/** A file under "Downloads". */
export interface Download {
  name: string;
  content: Buffer;
  createdOn: string;
  user: Who;
}

/** What a build says of a commit. */
export interface Status {
  commit: string;
  key: string;
  state: 'SUCCESSFUL' | 'FAILED' | 'INPROGRESS' | 'STOPPED';
  name: string;
  url: string;
  createdOn: string;
}

/** A rule for branches whose names match a pattern, as API 2.0 has it. */
export function restriction(id: number, kind: string, pattern: string, value: number | null = null): Json {
  return { type: 'branchrestriction', id, kind, pattern, value, branch_match_kind: 'glob', users: [], groups: [] };
}
