// Where somebody is signed in: the list of their sessions, and ending one or all others. A session is a row, so whatever
// process the other device talks to next finds it gone.
import type { RequestHandler, Response, Router } from 'express';
import { recordEvent } from '../audit/record.ts';
import { AppError } from '../errors.ts';
import type { Device } from '../web/account-sessions.ts';
import { endOneSession, endSessions, listSessions } from '../web/account-sessions.ts';
import { answerDone, wantsJson, withJson } from '../web/answer.ts';
import { methodNotAllowed } from '../web/methods.ts';
import { sessionHash } from '../web/session-store.ts';
import { timeOf } from '../web/time.ts';
import { describeAgent } from '../web/user-agent.ts';
import type { Web } from '../web/web.ts';
import { requireAccount, requireUser } from './presence.ts';
import type { Providers } from './providers.ts';

export const DEVICES = '/-/user_settings/active_sessions';

export function deviceRoutes(router: Router, web: Web, providers: Providers): void {
  const show = showDevices(web, providers);
  router.get(withJson(DEVICES), requireUser(web), show);
  router.all(withJson(DEVICES), methodNotAllowed('GET'));
  // Before the one with a parameter, which would take it for the name of a session.
  router.post(`${DEVICES}/end_others`, requireUser(web), endOthers(web));
  router.all(`${DEVICES}/end_others`, methodNotAllowed('POST'));
  router.post(`${DEVICES}/:id_hash/end`, requireUser(web), endOne(web));
  router.all(`${DEVICES}/:id_hash/end`, methodNotAllowed('POST'));
}

function showDevices(web: Web, providers: Providers): RequestHandler {
  return async (req, res) => {
    const sessions = await listSessions(web.services, requireAccount(req).id);
    const current = sessionHash(req.sessionID);
    if (wantsJson(req, web.site)) return sendDevices(res, sessions, current);
    web.render(req, res, 'profile/devices', {
      title: 'Devices',
      devices: sessions.map((session) => ({
        idHash: session.id_hash,
        name: describeAgent(session.agent),
        current: session.id_hash === current,
        remembered: session.remembered === 1,
        address: session.address ?? 'unknown',
        signedInWith: session.provider === null ? 'unknown' : providers.wayInWords(session.provider),
        since: timeOf(session.created_at),
        seen: timeOf(session.seen_at),
      })),
    });
  };
}

function sendDevices(res: Response, sessions: Device[], current: string): void {
  const devices = sessions.map((session) => ({
    id: session.id_hash,
    current: session.id_hash === current,
    device: describeAgent(session.agent),
    agent: session.agent,
    address: session.address,
    provider: session.provider,
    remembered: session.remembered === 1,
    created_at: timeOf(session.created_at).iso,
    last_seen_at: timeOf(session.seen_at).iso,
  }));
  res.json({ devices });
}

/** Anything else is no name of a session; a database need not even be able to read it. */
const ID_HASH = /^[0-9a-f]{64}$/;

function endOne(web: Web): RequestHandler<{ id_hash: string }> {
  return async (req, res) => {
    const { services, site } = web;
    const account = requireAccount(req);
    if (!ID_HASH.test(req.params.id_hash)) throw new AppError('not_found');
    const ended = await services.db.transaction().execute(async (trx) => {
      const found = await endOneSession(trx, account.id, req.params.id_hash);
      if (!found) throw new AppError('not_found');
      const details = { address: found.address };
      const event = { action: 'session_ended', target: describeAgent(found.agent), details } as const;
      await recordEvent(services, trx, event, req);
      return found;
    });
    const isThis = ended.id_hash === sessionHash(req.sessionID);
    if (isThis) return answerDone(web, req, res, { to: `${site.base}/users/sign_in` });
    const say = { title: 'Signed out there', text: `${describeAgent(ended.agent)} has to sign in again.` };
    await answerDone(web, req, res, { to: site.base + DEVICES, say });
  };
}

function endOthers(web: Web): RequestHandler {
  return async (req, res) => {
    const { services, site } = web;
    const account = requireAccount(req);
    const count = await services.db.transaction().execute(async (trx) => {
      const ended = await endSessions(trx, account.id, sessionHash(req.sessionID));
      const event = { action: 'sessions_ended', reason: 'others', details: { count: ended } } as const;
      if (ended > 0) await recordEvent(services, trx, event, req);
      return ended;
    });
    const say =
      count === 0
        ? { title: 'Nothing to do', text: 'You are signed in nowhere else.', kind: 'info' as const }
        : { title: 'Signed out everywhere else', text: 'Only this device is still signed in.' };
    await answerDone(web, req, res, { to: site.base + DEVICES, say, json: { ended: count } });
  };
}
