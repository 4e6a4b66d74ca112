// With what somebody lets this server read at a provider: the list, a token that is typed in, and forgetting.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Providers } from '../accounts/providers.ts';
import { requireAccount } from '../accounts/presence.ts';
import type { ProviderConfig } from '../config/schema.ts';
import { slugPattern } from '../bitbucket/remote-repository.ts';
import { AppError } from '../errors.ts';
import { answerDone, wantsJson } from '../web/answer.ts';
import { tell } from '../web/flash.ts';
import { idIn, parseInput } from '../web/input.ts';
import { timeOf } from '../web/time.ts';
import type { Web } from '../web/web.ts';
import type { Choosing } from './choose-page.ts';
import { importSource } from './choose-page.ts';
import type { TypedCredential } from './credentials.ts';
import { forgetCredential, getOwnCredential, keepTyped, listCredentials } from './credentials.ts';
import { lookAround, tryTyped } from './try-typed.ts';

export function showCredentials(web: Web, providers: Providers): RequestHandler<{ provider: string }> {
  return async (req, res) => showPage(web, req, res, { provider: await importSource(providers, req.params.provider) });
}

/** What was typed in and is refused, to show it again with the reason; the token itself is not shown again. */
interface Refused {
  sentence: string;
  form: z.infer<typeof typedForm>;
}

async function showPage(
  web: Web,
  req: Request,
  res: Response,
  { provider: { name, label }, refused }: { provider: ProviderConfig; refused?: Refused },
): Promise<void> {
  const credentials = await listCredentials(web.services.db, requireAccount(req).id, name);
  web.render(req, res, 'imports/credentials', {
    title: `What may be read at ${label}`,
    provider: { name, label },
    credentials: credentials.map((credential) => ({
      id: credential.id,
      label: credential.label,
      words: KINDS[credential.kind],
      since: timeOf(credential.created_at),
    })),
    refused: refused ? { sentence: refused.sentence, ...fieldsOf(refused.form) } : null,
    returnTo: `${web.site.base}/import/${name}/status`,
  });
}

const KINDS = {
  oauth: 'Consent of this Bitbucket account',
  api_token: 'API token of this Atlassian account',
  access_token: 'Access token of this workspace or repository',
};

const token = z.string().trim().max(4000);
const typedForm = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('api_token'), email: z.email().max(254), token }),
  z.object({ kind: z.literal('access_token'), of: z.string().trim().toLowerCase().max(201), token }),
]);

function fieldsOf(form: z.infer<typeof typedForm>) {
  return { kind: form.kind, email: 'email' in form ? form.email : '', of: 'of' in form ? form.of : '' };
}

/** Tried first: what Bitbucket refuses is not kept, and the page says what it said. */
export function addCredential(web: Web, { providers, catalogues }: Choosing): RequestHandler<{ provider: string }> {
  return async (req, res) => {
    const provider = await importSource(providers, req.params.provider);
    const form = parseInput(typedForm, req.body);
    const typed = await tryForm(web, provider, form).catch((error: unknown) => {
      if (!(error instanceof AppError) || wantsJson(req, web.site)) throw error;
      return error;
    });
    if (typed instanceof AppError) {
      res.status(422);
      return showPage(web, req, res, { provider, refused: { sentence: typed.message, form } });
    }
    const id = await keepTyped(web.services, requireAccount(req), typed, req);
    catalogues.forget(id); // what an older one could read
    const to = `${web.site.base}/import/${provider.name}/status?credential=${id}`;
    const say = { title: 'The token is kept', text: 'It is kept encrypted. What it may read is listed below.' };
    await answerDone(web, req, res, { to, say });
  };
}

async function tryForm(
  { services }: Web,
  provider: ProviderConfig,
  form: z.infer<typeof typedForm>,
): Promise<TypedCredential> {
  const typed = typedOf(provider.name, form);
  await tryTyped(services, { provider, typed }, (client) => lookAround(client, typed));
  return typed;
}

/** @throws AppError 400 for what cannot be a token, a workspace or a repository */
function typedOf(provider: string, form: z.infer<typeof typedForm>): TypedCredential {
  const { kind, token } = form;
  if (!/^[\x21-\x7e]{10,}$/.test(token))
    throw new AppError('bad_request', { sentence: 'That is no token: it is too short, or something else came along.' });
  if (kind === 'api_token') return { provider, kind, token, email: form.email, label: form.email };
  const parts = form.of.split('/');
  if (parts.length > 2 || !parts.every((part) => slugPattern.test(part)))
    throw new AppError('bad_request', {
      sentence: 'Say what the access token opens: the name of the workspace, or workspace/repository.',
    });
  return { provider, kind, token, email: null, label: form.of };
}

export function removeCredential(web: Web, providers: Providers): RequestHandler<{ provider: string; id: string }> {
  return async (req, res) => {
    const { name } = await importSource(providers, req.params.provider);
    const credential = await getOwnCredential(web.services.db, requireAccount(req).id, idIn(req.params.id));
    await forgetCredential(web.services, credential, req);
    await tell(req, 'Forgotten', 'This server reads nothing with it any more. Imports that used it wait for another.');
    res.redirect(303, `${web.site.base}/import/${name}/credentials`);
  };
}
