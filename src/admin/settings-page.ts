// Admin → Settings: which ways to sign in and to import are open. A change counts at once, on other processes in a second.
import type { Request, RequestHandler, Response, Router } from 'express';
import { z } from 'zod';
import { requireAccount, requireAdmin, requireRecentProof } from '../accounts/presence.ts';
import type { Providers } from '../accounts/providers.ts';
import { lockAdministrators, requireAdministrator } from '../accounts/ways-in.ts';
import type { ApplicationSettings } from '../application-settings.ts';
import { readApplicationSettings, writeApplicationSettings } from '../application-settings.ts';
import { recordEvent } from '../audit/record.ts';
import { AppError } from '../errors.ts';
import { answerDone, wantsJson, withJson } from '../web/answer.ts';
import { parseInput, yesOrNo } from '../web/input.ts';
import { methodNotAllowed } from '../web/methods.ts';
import type { Web } from '../web/web.ts';
import { requireStillAdmin } from './account-changes.ts';
import type { ShutOut, Wish } from './sign-in-restrictions.ts';
import { changesBetween, describeShutOut, settingsAfter, shutsAWay, switchable } from './sign-in-restrictions.ts';

const PATH = '/admin/application_settings/general';

/** A form sends one text or several, with an empty one in front, so that none ticked is a choice; scripts send a list. */
const names = z.union([z.string().max(64), z.array(z.string().max(64)).max(200)]).optional();
const settingsForm = z.object({
  enabled_oauth_sign_in_sources: names,
  // The form sends a 0 in front, so that an empty checkbox is a choice.
  password_authentication_enabled_for_web: z.preprocess(
    (sent) => [sent].flat().at(-1),
    yesOrNo('password_authentication_enabled_for_web'),
  ),
  import_sources: names,
});

export function settingsRoutes(router: Router, web: Web, providers: Providers): void {
  const admin = requireAdmin(web);
  router.get(withJson(PATH), admin, showSettings(web, providers));
  router.post(withJson(PATH), admin, requireRecentProof(web, PATH), changeSettings(web, providers));
  router.all(withJson(PATH), admin, methodNotAllowed('GET, POST'));
}

function showSettings(web: Web, providers: Providers): RequestHandler {
  return async (req, res) => {
    show(web, providers, { req, res, settings: await readApplicationSettings(web.services.db), shutOut: null });
  };
}

function changeSettings(web: Web, providers: Providers): RequestHandler {
  return async (req, res) => {
    const wish = wishIn(req);
    const { services, site } = web;
    const before = await readApplicationSettings(services.db);
    try {
      const changed = await store(web, req, wish);
      services.settings.forget();
      const say =
        changed.count > 0
          ? { title: 'Settings saved', text: 'They count from now on. Whoever is signed in stays signed in.' }
          : { title: 'Nothing was changed', kind: 'info' as const };
      const json = jsonOf(describe(web, providers, changed.after));
      await answerDone(web, req, res, { to: `${site.base}${PATH}`, say, json });
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'last_administrator') throw error;
      const after = settingsAfter(before, wish, services.config());
      const shutOut = await describeShutOut(services, before, after);
      await noteRefused(web, req, changesBetween(before, after));
      if (wantsJson(req, site)) throw new AppError('last_administrator', { sentence: sentenceOf(error, shutOut) });
      res.status(error.status);
      show(web, providers, {
        req,
        res,
        settings: after,
        shutOut: { sentence: error.message, administrators: shutOut },
      });
    }
  };
}

function wishIn(req: Request): Wish {
  const form = parseInput(settingsForm, req.body);
  const sources = (value: z.infer<typeof names>) =>
    value === undefined ? undefined : [value].flat().filter((name) => name !== '');
  return {
    signInSources: sources(form.enabled_oauth_sign_in_sources),
    password: form.password_authentication_enabled_for_web,
    importSources: sources(form.import_sources),
  };
}

/** One change at a time: of two administrators who each shut the way in of the other, the second is told. */
function store({ services }: Web, req: Request, wish: Wish): Promise<{ after: ApplicationSettings; count: number }> {
  return services.db.transaction().execute(async (trx) => {
    await lockAdministrators(trx, services);
    await requireStillAdmin(trx, req);
    const before = await readApplicationSettings(trx);
    const after = settingsAfter(before, wish, services.config());
    const changes = changesBetween(before, after);
    const keys = Object.keys(changes) as (keyof ApplicationSettings)[];
    if (keys.length === 0) return { after, count: 0 };
    const changed: Partial<ApplicationSettings> = Object.fromEntries(keys.map((key) => [key, after[key]]));
    await writeApplicationSettings(trx, changed, { by: requireAccount(req).username, now: services.now() });
    if (shutsAWay(before, after)) await requireAdministrator(trx, services);
    const event = { action: 'settings_changed', target: 'sign_in_restrictions', details: detailsOf(changes) } as const;
    await recordEvent(services, trx, event, req);
    return { after, count: keys.length };
  });
}

async function noteRefused({ services }: Web, req: Request, changes: Changes): Promise<void> {
  const event = {
    action: 'settings_changed',
    result: 'refused',
    reason: 'last_administrator',
    target: 'sign_in_restrictions',
    details: detailsOf(changes),
  } as const;
  await recordEvent(services, services.db, event, req);
}

type Changes = ReturnType<typeof changesBetween>;

function detailsOf(changes: Changes): Record<string, unknown> {
  return Object.fromEntries(Object.entries(changes).map(([key, [before, after]]) => [key, { before, after }]));
}

function sentenceOf({ message }: AppError, shutOut: ShutOut[]): string {
  return [message, ...shutOut.map(({ username, ways }) => `${username}: ${ways.join('; ')}.`)].join(' ');
}

interface Shown {
  req: Request;
  res: Response;
  settings: ApplicationSettings;
  shutOut: { sentence: string; administrators: ShutOut[] } | null;
}

function show(web: Web, providers: Providers, { req, res, settings, shutOut }: Shown): void {
  const shown = describe(web, providers, settings);
  if (wantsJson(req, web.site)) res.json(jsonOf(shown));
  else web.render(req, res, 'admin/settings', { title: 'Sign-in restrictions', ...shown, shutOut });
}

function describe({ services }: Web, providers: Providers, settings: ApplicationSettings) {
  const sources = (disabled: string[]) =>
    providers.configured().map(({ name, label }) => ({ name, label, on: !disabled.includes(name) }));
  return {
    signIn: sources(settings.disabled_oauth_sign_in_sources),
    importing: sources(settings.disabled_import_sources),
    password: settings.password_authentication_enabled_for_web,
    can: switchable(services.config()),
  };
}

/** The same for scripts, in GitLab's words. */
function jsonOf({ signIn, importing, password, can }: ReturnType<typeof describe>): Record<string, unknown> {
  const on = (list: typeof signIn, allowed: boolean) =>
    list.filter((source) => allowed && source.on).map(({ name }) => name);
  return {
    enabled_oauth_sign_in_sources: on(signIn, can.signIn),
    password_authentication_enabled_for_web: can.password && password,
    import_sources: on(importing, can.importing),
  };
}
