// The first origin's own pages: the start page, taking over a sign-in from the account page, and signing out.
import { Router } from 'express';
import { html } from './html.ts';
import { OneTime } from './one-time.ts';
import type { Person } from './options.ts';
import { sendMessage, sendPage } from './page-frame.ts';
import type { Realm } from './realm.ts';
import { formOf, queryOf } from './requests.ts';
import { requireOwnForm } from './same-origin.ts';
import { findSignedIn, sessionId, signIn, signOut } from './sessions.ts';
import { safeReturnTo, signInPageUrl } from './sign-in-routes.ts';

const FORM_LIFE_MS = 30 * 60 * 1000;

export function accountRoutes(realm: Realm, handovers: OneTime<Person>): Router {
  const forms = new OneTime<string>(realm.now);
  const router = Router();

  // The last one is where Bitbucket's own "Log out" leads.
  router.get(['/', '/sandbox/sign-out', '/account/signout/'], (request, response) => {
    const person = findSignedIn(realm, request);
    sendPage(response, {
      title: 'Bitbucket sandbox',
      content: person
        ? signedInContent(person, forms.put(sessionId(request), FORM_LIFE_MS))
        : html`<p>Nobody is signed in here in this browser.</p>
            <p><a href="${signInPageUrl(realm, '/')}">Sign in</a></p>`,
    });
  });

  router.get('/sandbox/signed-in', (request, response) => {
    const query = queryOf(request);
    const person = handovers.take(query.get('ticket'));
    if (!person) {
      const text = 'This sign-in was used already or is too old. Go back to the application and start again.';
      return sendMessage(response, 400, 'Start again', text);
    }
    signIn(realm, person, response);
    response.redirect(303, `${realm.urls.web}${safeReturnTo(query.get('continue')).slice(1)}`);
  });

  router.post(
    '/sandbox/sign-out',
    requireOwnForm(() => new URL(realm.urls.web).origin),
    (request, response) => {
      const form = formOf(request);
      const person = findSignedIn(realm, request);
      if (person && forms.take(form.get('ticket')) === sessionId(request)) {
        if (form.get('also') === 'forget') forgetGrants(realm, person);
        signOut(realm, request, response);
      }
      response.redirect(303, realm.urls.web);
    },
  );
  return router;
}

/** What "Remove" in a person's "App authorizations" does at Bitbucket, for all applications at once. */
export function forgetGrants(realm: Realm, person: Person): void {
  for (const name of realm.grants.keys()) if (name.startsWith(`${person.key} `)) realm.grants.delete(name);
  realm.tokens.revoke(person.key);
}

function signedInContent(person: Person, ticket: string) {
  return html` <p>You are signed in here as <strong>${person.displayName}</strong>.</p>
    <p>Sign out to be somebody else the next time an application asks.</p>
    <form method="post" action="/sandbox/sign-out">
      <input type="hidden" name="ticket" value="${ticket}" />
      <button class="main">Sign out of the sandbox</button>
      <button name="also" value="forget">Sign out and take back what was granted to applications</button>
    </form>`;
}
