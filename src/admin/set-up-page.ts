// Admin → Set-up: what to enter at Bitbucket, whether it works, a test sign-in; and the banner about changes at Bitbucket.
import type { RequestHandler, Router } from 'express';
import { z } from 'zod';
import { requireAdmin } from '../accounts/presence.ts';
import type { Providers } from '../accounts/providers.ts';
import type { AnnouncedChange } from '../announced-changes.ts';
import { dismissChange, listAnnouncedChanges } from '../announced-changes.ts';
import { recordEvent } from '../audit/record.ts';
import { AppError } from '../errors.ts';
import { answerDone, wantsJson, withJson } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import { methodNotAllowed, refusePrefetch } from '../web/methods.ts';
import { timeOf } from '../web/time.ts';
import type { Services } from '../services.ts';
import type { Web } from '../web/web.ts';
import { wordsOfChange } from './change-findings.ts';
import { whatToEnter } from './consumer-checks.ts';
import { seeRequest } from './proxy-findings.ts';
import type { Checks } from './set-up.ts';
import { shareChecks } from './set-up.ts';
import { lastTest } from './test-findings.ts';

const PAGE = '/admin/set_up';

/** To be mounted before the other pages of the administration: they show the banner, too. */
export function setUpRoutes(router: Router, web: Web, providers: Providers): void {
  router.use('/admin', bringChanges(web));
  router.get(withJson(PAGE), requireAdmin(web), refusePrefetch, showSetUp(web, providers));
  router.all(withJson(PAGE), methodNotAllowed('GET'));
  router.post(`${PAGE}/dismiss`, requireAdmin(web), dismiss(web));
  router.all(`${PAGE}/dismiss`, methodNotAllowed('POST'));
}

/** For views/admin/top.ejs, on whichever page of the administration. */
function bringChanges({ services }: Web): RequestHandler {
  return async (req, res, next) => {
    if (req.method === 'GET' && req.user?.admin === 1) {
      const changes = await listAnnouncedChanges(services.db);
      res.locals['changes'] = changes.filter(({ dismissed }) => !dismissed).map(wordsOfChange);
    }
    next();
  };
}

/** `after` is when the run began that whoever asks has seen; they want a later one. */
const setUpQuery = z.object({ after: z.coerce.number().int().catch(0) });

function showSetUp(web: Web, providers: Providers): RequestHandler {
  const { services, site } = web;
  const latestChecks = shareChecks(services);
  return async (req, res) => {
    const { after } = parseInput(setUpQuery, req.query);
    const { beganAt, checks } = latestChecks(after);
    const { providers: checked, server } = await checks;
    const open = new Set((await providers.list()).map(({ name }) => name));
    const shown = {
      toEnter: whatToEnter(services.config()),
      checkedAt: timeOf(beganAt),
      providers: await Promise.all(checked.map((provider) => describe(services, provider, open))),
      server,
      request: seeRequest(req, site),
    };
    if (wantsJson(req, site)) return void res.json(jsonOf(shown, await listAnnouncedChanges(services.db)));
    web.render(req, res, 'admin/set-up', {
      title: 'Set-up',
      after: beganAt,
      toEnter: shown.toEnter,
      checkedAt: shown.checkedAt,
      providers: shown.providers,
      server: shown.server,
      request: shown.request,
    });
  };
}

async function describe({ db }: Services, provider: Checks['providers'][number], open: ReadonlySet<string>) {
  const test = await lastTest(db, provider);
  return {
    ...provider,
    // Below the heading with its name.
    findings: provider.findings.map((finding) => ({
      ...finding,
      about: finding.about.replace(`provider ${provider.name}, `, ''),
    })),
    open: open.has(provider.name),
    lastTest: test && { ...test, at: timeOf(test.at) },
  };
}

interface Shown extends Pick<Checks, 'server'> {
  toEnter: ReturnType<typeof whatToEnter>;
  checkedAt: ReturnType<typeof timeOf>;
  providers: Awaited<ReturnType<typeof describe>>[];
  request: ReturnType<typeof seeRequest>;
}

/** The same for scripts, with what the banner says. */
function jsonOf(shown: Shown, changes: readonly AnnouncedChange[]): Record<string, unknown> {
  const { callbackUrl, signIn, importing, ...consumer } = shown.toEnter;
  const { peerTrusted, ...request } = shown.request;
  const told = changes.filter(({ dismissed }) => !dismissed).map(wordsOfChange);
  return {
    to_enter: { ...consumer, callback_url: callbackUrl, permissions: signIn, permissions_for_importing: importing },
    checked_at: shown.checkedAt.iso,
    providers: shown.providers.map(({ lastTest, ...provider }) => ({
      ...provider,
      last_test: lastTest ? { ...lastTest, at: lastTest.at.iso } : null,
    })),
    server: shown.server,
    request: { ...request, peer_trusted: peerTrusted },
    changes: told.map(({ key, title, words, link }) => ({ key, title, words, link })),
  };
}

const dismissForm = z.object({ key: z.string().max(100) });

function dismiss(web: Web): RequestHandler {
  return async (req, res) => {
    const { services, site } = web;
    const { key } = parseInput(dismissForm, req.body);
    await services.db.transaction().execute(async (trx) => {
      const by = { by: req.user?.username ?? '', now: services.now() };
      const change = await dismissChange(trx, key, by);
      if (!change) throw new AppError('not_found');
      const { endpoint, change: id } = change;
      const details = { dismissed: true, endpoint };
      const event = { action: 'settings_changed', target: `announced ${id ?? 'change'}`, details } as const;
      await recordEvent(services, trx, event, req);
    });
    const say = {
      title: 'Banner dismissed',
      text: 'It comes back when Bitbucket says something new about this change.',
    };
    await answerDone(web, req, res, { to: `${site.base}${PAGE}`, say });
  };
}
