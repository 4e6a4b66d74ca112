// A try of an administrator at Bitbucket: what a sign-in would come to. Changes nothing but the audit log.
import type { Request, Response } from 'express';
import { recordEvent } from '../audit/record.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { Flow } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { tell } from '../web/flash.ts';
import type { Web } from '../web/web.ts';
import type { Arrive } from './dance.ts';
import type { Flows } from './flows.ts';
import { foresee } from './sign-in.ts';

const PAGE = '/admin/set_up';

/** Bitbucket has named somebody: who would have come in, and with which permissions. */
export function arriveToTest(web: Web, flows: Flows): Arrive {
  return async (req, res, { provider, profile, tokens, workspaces, flow }) => {
    await flows.finish(flow.state_hash);
    const { outcome, account } = await foresee(web.services, { provider, profile });
    const details = {
      extern_uid: profile.uuid,
      name: profile.displayName,
      scopes: tokens.scopes,
      email: profile.email !== null,
      workspaces: workspaces?.length,
      would: outcome,
      username: account?.username,
    };
    await recordEvent(web.services, web.services.db, { action: 'test_sign_in', target: provider, details }, req);
    await showTest(web, req, res);
  };
}

/** It came to nothing: the reason is shown where the test was begun, and not on a page for visitors. */
export async function refuseTest(
  web: Web,
  req: Request,
  res: Response,
  { flow, error }: { flow: Flow; error: unknown },
): Promise<void> {
  const event = { action: 'test_sign_in', result: 'refused', target: flow.provider, ...reasonOf(error) } as const;
  await recordEvent(web.services, web.services.db, event, req);
  await showTest(web, req, res);
}

/** The flow, if this is the end of a test by whoever is signed in. A bug of ours is none: that is told as any other. */
export function ownTest(flow: Flow | undefined, req: Request, error: unknown): Flow | undefined {
  const isTold = error instanceof BitbucketFailure || error instanceof AppError;
  const isOwn = flow?.purpose === 'test' && req.user?.admin === 1 && flow.account_id === req.user.id;
  return isTold && isOwn ? flow : undefined;
}

/** Every word of a BitbucketFailure is ours. */
function reasonOf(error: unknown): { reason: string; details: Record<string, unknown> } {
  if (error instanceof BitbucketFailure) {
    const { reason, endpoint, detail, requiredScopes, remoteStatus } = error;
    return { reason, details: { words: detail, endpoint, status: remoteStatus, required: requiredScopes } };
  }
  return { reason: error instanceof AppError ? error.code : 'internal', details: {} };
}

async function showTest(web: Web, req: Request, res: Response): Promise<void> {
  await tell(req, 'Test sign-in done', 'What it showed stands below. Nothing was changed by it.', 'info');
  res.redirect(303, `${web.site.base}${PAGE}`);
}
