// What is imported, the second screen of the data model. Same rules as in tables.ts. Rows of a project have natural keys of
// the source (number, comment id, uuid), so that what is written twice is there once.
import type { Generated, Selectable } from 'kysely';

/** In a column that needs a time: Bitbucket does not tell when it was. */
export const UNTOLD_TIME = 0;

export interface ProjectTables {
  projects: ProjectsTable;
  deleted_projects: DeletedProjectsTable;
  people: PeopleTable;
  pull_requests: PullRequestsTable;
  pull_request_people: PullRequestPeopleTable;
  comments: CommentsTable;
  tasks: TasksTable;
  activity: ActivityTable;
  lfs_objects: LfsObjectsTable;
  attachments: AttachmentsTable;
  source_settings: SourceSettingsTable;
}

/** A project lies at `namespace/name`; its repository lies in `data_dir/repositories/<id>.git`, its files in `data_dir/projects/<id>/`. */
interface ProjectsTable {
  id: Generated<number>;
  /** Who imported it, and sees it. */
  owner_id: number;
  /** `[a-z0-9_.-]`, by default the owner's user name. */
  namespace: string;
  /** Last part of the path, as slugs of Bitbucket are. */
  name: string;
  /** The name in words, as at Bitbucket. */
  title: string;
  description: string;
  private: number;
  /** null = an empty repository. */
  default_branch: string | null;
  source_provider: string;
  source_url: string;
  /** With braces, lower case. */
  source_uuid: string;
  source_full_name: string;
  /** Where git finds it, as Bitbucket's API says; null = nothing is said. */
  source_clone_url: string | null;
  /** `workspace/slug` of the parent at Bitbucket. */
  forked_from: string | null;
  /** Of git: counted at the end of an import. */
  branches: Generated<number>;
  tags: Generated<number>;
  commits: Generated<number>;
  /** null until a first import has everything: others and lists see published projects only. */
  published_at: number | null;
  /** When a re-sync found it gone at Bitbucket. */
  source_gone_at: number | null;
  created_at: number;
  updated_at: number;
}

/** Written with a deletion and kept for a day, so that the files go, too, whatever happens meanwhile; see projects/deleted.ts. */
interface DeletedProjectsTable {
  /** What `projects.id` was. */
  id: number;
  deleted_at: number;
}

/** People of Bitbucket; who has an account here is found by (provider, uuid) in `identities`. */
interface PeopleTable {
  provider: string;
  /** With braces, lower case. */
  uuid: string;
  account_id: string | null;
  display_name: string;
  nickname: string | null;
  avatar_url: string | null;
  /** `user`, `app_user` or `team`. */
  type: string;
}

export type PullRequestState = 'open' | 'merged' | 'declined' | 'superseded';
/** How its commits came: with the clone, fetched by themselves, as a diff only, or not at all. */
export type CommitsKept = 'kept' | 'fetched' | 'snapshot' | 'lost';

interface PullRequestsTable {
  project_id: number;
  number: number;
  title: string;
  description: string;
  state: PullRequestState;
  draft: number;
  /** uuid of `people`; null = a former user. */
  author: string | null;
  source_branch: string | null;
  /** 40 characters when known to the repository, else as long as Bitbucket gives it; null when it gives none. */
  source_commit: string | null;
  /** `workspace/slug`; null = the fork was deleted. */
  source_repository: string | null;
  destination_branch: string | null;
  destination_commit: string | null;
  merge_commit: string | null;
  closed_by: string | null;
  closed_at: number | null;
  reason: string;
  created_at: number;
  updated_at: number;
  commits: CommitsKept | null;
  /** As Bitbucket counts them; null = it does not tell. */
  comment_count: number | null;
  task_count: number | null;
  source_url: string;
  /** A re-sync did not find it any more. */
  source_gone_at: number | null;
}

interface PullRequestPeopleTable {
  project_id: number;
  number: number;
  uuid: string;
  role: 'reviewer' | 'participant';
  state: 'approved' | 'changes_requested' | null;
  /** When it was approved, or last took part. */
  at: number | null;
}

interface CommentsTable {
  project_id: number;
  /** Of Bitbucket, unique in a project's source. */
  id: number;
  number: number;
  parent_id: number | null;
  author: string | null;
  body: string;
  created_at: number;
  updated_at: number | null;
  deleted: number;
  /** JSON `{path, from, to, start_from, start_to, outdated}` or null. */
  inline: string | null;
  resolved: number;
  resolved_by: string | null;
  resolved_at: number | null;
  source_gone_at: number | null;
}

interface TasksTable {
  project_id: number;
  id: number;
  number: number;
  body: string;
  state: 'open' | 'resolved';
  author: string | null;
  created_at: number;
  resolved_at: number | null;
  resolved_by: string | null;
  comment_id: number | null;
  source_gone_at: number | null;
}

/** What happened to a pull request besides comments: approvals, pushes, changes of title, reviewers and state. */
interface ActivityTable {
  project_id: number;
  number: number;
  /** Natural key: kind, time and person; the same event of a second reading is the same row. */
  key: string;
  kind: 'update' | 'approval' | 'changes_requested';
  author: string | null;
  at: number;
  /** JSON of what is worth keeping: `{state, title, source_commit, …}`. */
  data: string;
}

interface LfsObjectsTable {
  project_id: number;
  /** SHA-256, 64 hex digits; the file lies in `data_dir/projects/<id>/lfs/`. */
  oid: string;
  size: number;
  /** 1 = downloaded and verified. */
  present: number;
}

interface AttachmentsTable {
  project_id: number;
  /** Where the text points to. */
  source_url: string;
  /** Name of the file in `data_dir/projects/<id>/attachments/`; null while or when it could not be fetched. */
  file: string | null;
  name: string;
  content_type: string | null;
  size: number | null;
}

/** Branch restrictions, default reviewers, webhooks, deploy keys, downloads: kept to be looked up, nothing acts on them. */
interface SourceSettingsTable {
  project_id: number;
  kind: string;
  /** JSON array, as Bitbucket has it, without secrets. */
  value: string;
}

export type Project = Selectable<ProjectsTable>;
export type Person = Selectable<PeopleTable>;
export type PullRequest = Selectable<PullRequestsTable>;
export type PullRequestPerson = Selectable<PullRequestPeopleTable>;
export type Comment = Selectable<CommentsTable>;
export type Task = Selectable<TasksTable>;
export type Activity = Selectable<ActivityTable>;
