// The stages of an import, in their order.

/**
 * Pull requests are read right after the repository: their heads cannot be looked for before they are known. Heads come
 * before LFS, so that pointers in their commits are found, too; mentioned people after all texts are there.
 */
export const STAGE_NAMES = [
  'repository',
  'pull_requests',
  'pull_request_heads',
  'lfs',
  'activity',
  'comments',
  'tasks',
  'people',
  'settings',
  'attachments',
  'verification',
] as const;

export type StageName = (typeof STAGE_NAMES)[number];
