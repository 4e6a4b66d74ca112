// A whole imported project to look at: a repository with branches of pull requests, people, conversations, files.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Project } from '../../src/db/project-tables.ts';
import type { NewPerson } from '../../src/projects/records.ts';
import {
  saveActivity,
  saveAttachments,
  saveComments,
  saveLfsObjects,
  savePeople,
  savePullRequestCommits,
  savePullRequestPeople,
  savePullRequests,
  saveTasks,
} from '../../src/projects/records.ts';
import { attachmentsDir, lfsDir, repositoryDir, snapshotFile } from '../../src/projects/places.ts';
import { lfsPath } from '../../src/git/lfs-files.ts';
import type { GitStory, MadeRepository } from '../../src/sandbox/git-story.ts';
import { makeGitRepository } from '../../src/sandbox/git-story.ts';
import type { TestApp } from '../support/start-app.ts';
import { AT, comment, makeProject, pullRequest, task } from './make.ts';

export const ALICE = '{a11ce000-0000-4000-8000-000000000001}';
export const BOB = '{b0b00000-0000-4000-8000-000000000002}';

/** 1 × 1, transparent. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const IMAGE = 'https://bitbucket.org/repo/BgzgjpR/images/461711928-image.png';

const person = (uuid: string, account_id: string, display_name: string): NewPerson => {
  return { uuid, account_id, display_name, nickname: null, avatar_url: null, type: 'user' };
};

const STORY: GitStory = {
  commits: [
    {
      key: 'first',
      message: 'Begin\n\nWith a README.',
      files: {
        'README.md':
          '# Demo\n\nSee [the guide](docs/guide.md).\n\n<script>window.__xss=1</script>\n\n![Dot](docs/the%20dot.png)\n',
        'docs/the dot.png': PNG,
        'docs/no.png': '<svg onload="window.__xss=1">',
        'docs/link.png': { symlink: '/etc/passwd' },
        'src/greet.ts': 'export function greet(name: string) {\n  return `Hello ${name}`;\n}\n',
        'big.bin': { lfs: 'the content of a large file' },
      },
    },
    { key: 'greet', message: 'Greet politely', files: { 'src/greet.ts': greeting('Dear') } },
    {
      key: 'merge',
      parents: ['first', 'greet'],
      message: 'Merged in polite (pull request #1)',
      files: { 'src/greet.ts': greeting('Dear') },
    },
    { key: 'lost', parents: ['first'], message: 'Was on a fork', files: { 'src/bye.ts': 'export const bye = 1;\n' } },
  ],
  branches: { main: 'merge', 'feature/ü': 'first' },
  tags: { 'v1.0': 'first' },
};

function greeting(word: string): string {
  return `export function greet(name: string) {\n  return \`${word} \${name}\`;\n}\n`;
}

export interface World {
  project: Project;
  git: MadeRepository;
}

/** Pull requests: 1 merged and talked about, 2 open from a deleted fork, 3 declined with a snapshot, 4 lost. */
export async function makeWorld(app: TestApp): Promise<World> {
  const { db } = app.services;
  const config = app.services.config();
  const project = await makeProject(app, { branches: 2, tags: 1, commits: 3, description: 'Says hello.\nPolitely.' });
  const git = await makeGitRepository(repositoryDir(config, project.id), STORY);
  const sha = (key: string) => git.commits.get(key)!;
  await savePeople(db, 'bitbucket', [person(ALICE, '557058:a11ce', 'Alice Liddell'), person(BOB, '557058:b0b', 'Bob')]);
  await savePullRequests(db, project.id, [
    pullRequest(1, {
      title: 'Greet politely',
      description: `Hi @{557058:b0b}, look:\n\n![A picture](${IMAGE})\n\n![elsewhere](https://evil.test/p.gif)`,
      state: 'merged',
      author: ALICE,
      closed_by: BOB,
      closed_at: AT + 60_000,
      source_branch: 'polite',
      source_commit: sha('greet'),
      destination_commit: sha('first'),
      merge_commit: sha('merge').slice(0, 12),
      comment_count: 3,
      task_count: 2,
    }),
    pullRequest(2, {
      title: 'From a fork',
      source_repository: null,
      source_commit: sha('lost').slice(0, 12),
      destination_commit: sha('first'),
      draft: 1,
    }),
    pullRequest(3, {
      state: 'declined',
      reason: 'Not now,\nsorry',
      closed_by: null,
      closed_at: AT,
      source_commit: 'f'.repeat(12),
    }),
    pullRequest(4, { state: 'superseded', source_commit: null, source_branch: null }),
  ]);
  await savePullRequestCommits(db, project.id, 1, { commits: 'kept' });
  await savePullRequestCommits(db, project.id, 2, { commits: 'fetched' });
  await savePullRequestCommits(db, project.id, 3, { commits: 'snapshot' });
  await savePullRequestCommits(db, project.id, 4, { commits: 'lost' });
  await makeTalk(app, project.id);
  put(
    snapshotFile(config, project.id, 3, 'diff'),
    'diff --git a/s.txt b/s.txt\n--- a/s.txt\n+++ b/s.txt\n@@ -1 +1 @@\n-was\n+is\n',
  );
  await saveAttachments(db, project.id, [
    { source_url: IMAGE, file: '1', name: 'image.png', content_type: 'image/png', size: PNG.length },
    {
      source_url: 'https://bitbucket.org/repo/BgzgjpR/images/2-page.html',
      file: '2',
      name: 'page.html',
      content_type: 'text/html',
      size: 30,
    },
  ]);
  put(join(attachmentsDir(config, project.id), '1'), PNG);
  put(join(attachmentsDir(config, project.id), '2'), '<script>window.__xss=1</script>');
  for (const [oid, content] of git.lfs) {
    await saveLfsObjects(db, project.id, [{ oid, size: content.length, present: 1 }]);
    put(lfsPath(lfsDir(config, project.id), oid), content);
  }
  return { project, git };
}

export function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

async function makeTalk({ services: { db } }: TestApp, projectId: number): Promise<void> {
  await savePullRequestPeople(
    db,
    projectId,
    [1],
    [
      { number: 1, uuid: BOB, role: 'reviewer', state: 'approved', at: AT + 50_000 },
      { number: 1, uuid: ALICE, role: 'participant', state: null, at: null },
    ],
  );
  const inline = JSON.stringify({ path: 'src/greet.ts', from: null, to: 2, start_from: null, start_to: null });
  const outdated = JSON.stringify({ path: 'src/greet.ts', from: null, to: 9, outdated: true });
  await saveComments(db, projectId, [
    comment(10, {
      author: BOB,
      body: 'Why **Dear**?',
      inline,
      resolved: 1,
      resolved_by: ALICE,
      resolved_at: AT + 30_000,
    }),
    comment(11, { author: ALICE, body: 'It is polite.', parent_id: 10, updated_at: AT + 90_000 }),
    comment(12, { author: null, body: 'gone', deleted: 1 }),
    comment(13, { author: null, body: 'From before', inline: outdated }),
  ]);
  await saveTasks(db, projectId, [
    task(1, {
      author: BOB,
      body: 'Say *why*',
      comment_id: 10,
      state: 'resolved',
      resolved_by: ALICE,
      resolved_at: AT + 40_000,
    }),
    task(2, { author: ALICE, body: 'Write a test' }),
  ]);
  await saveActivity(db, projectId, [
    { number: 1, key: 'a', kind: 'approval', author: BOB, at: AT + 50_000, data: '{}' },
    { number: 1, key: 'm', kind: 'update', author: BOB, at: AT + 60_000, data: '{"state":"MERGED"}' },
  ]);
}
