// The authorization endpoint as a browser sees it: sign in, consent page, and back to the application.
import { Router, type Request, type Response } from 'express';
import { judgeAuthorizeRequest, type AuthorizeRequest } from './authorize-request.ts';
import { allow, cancel, isGranted } from './consent.ts';
import { html } from './html.ts';
import { OneTime } from './one-time.ts';
import type { Person } from './options.ts';
import { sendMessage, sendPage } from './page-frame.ts';
import type { Realm } from './realm.ts';
import { formOf, queryOf } from './requests.ts';
import { requireOwnForm } from './same-origin.ts';
import { describeScope } from './scopes.ts';
import { findSignedIn, sessionId, signOut } from './sessions.ts';
import { signInPageUrl } from './sign-in-routes.ts';

const PATH = '/site/oauth2/authorize';
const TICKET_LIFE_MS = 30 * 60 * 1000;

/** A consent page that was shown and not answered yet. Bound to the session, so that no other page can answer it. */
interface Asked {
  session: string;
  request: AuthorizeRequest;
  returnTo: string;
}

export function consentRoutes(realm: Realm): Router {
  const tickets = new OneTime<Asked>(realm.now);
  const router = Router();

  router.get(PATH, (request, response) => {
    const verdict = judgeAuthorizeRequest(realm, queryOf(request));
    if (verdict.kind === 'page') return sendMessage(response, verdict.status, verdict.title, verdict.text);
    if (verdict.kind === 'redirect') return response.redirect(verdict.to);
    const person = findSignedIn(realm, request);
    if (!person) return response.redirect(signInPageUrl(realm, request.originalUrl));
    if (isGranted(realm, person, verdict.request)) return response.redirect(allow(realm, person, verdict.request));
    const asked = { session: sessionId(request), request: verdict.request, returnTo: request.originalUrl };
    sendConsentPage(response, person, verdict.request, tickets.put(asked, TICKET_LIFE_MS));
  });

  router.post(
    PATH,
    requireOwnForm(() => new URL(realm.urls.web).origin),
    (request, response) => {
      const asked = tickets.take(formOf(request).get('ticket'));
      const person = findSignedIn(realm, request);
      if (!asked || !person || asked.session !== sessionId(request)) {
        const text = 'This page was answered already or is too old. Go back to the application and start again.';
        return sendMessage(response, 400, 'Start again', text);
      }
      response.redirect(303, answerConsent(realm, person, asked, { request, response }));
    },
  );
  return router;
}

/** Where the browser goes after a button of the consent page. */
function answerConsent(
  realm: Realm,
  person: Person,
  asked: Asked,
  exchange: { request: Request; response: Response },
): string {
  const decision = formOf(exchange.request).get('decision');
  if (decision === 'allow') return allow(realm, person, asked.request);
  if (decision !== 'switch') return cancel(asked.request);
  signOut(realm, exchange.request, exchange.response);
  return signInPageUrl(realm, asked.returnTo);
}

function sendConsentPage(response: Response, person: Person, request: AuthorizeRequest, ticket: string): void {
  const name = request.consumer.name ?? request.consumer.key;
  sendPage(response, {
    title: `${name} asks for access to your account`,
    content: html` <p>You are signed in as <strong>${person.displayName}</strong>.</p>
      <p>${name} would be able to:</p>
      <ul>
        ${request.scopes.map((scope) => html`<li>${describeScope(scope)}</li>`)}
      </ul>
      <form method="post" action="${PATH}">
        <input type="hidden" name="ticket" value="${ticket}" />
        <button class="main" name="decision" value="allow">Allow</button>
        <button name="decision" value="cancel">Cancel</button>
        <button name="decision" value="switch">Use another account</button>
      </form>`,
  });
}
