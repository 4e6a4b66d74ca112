// The account page on the second origin, as Bitbucket forwards signed-out people to Atlassian's own sign-in.
// It picks a person and hands a one-time ticket back to the first origin. It sets no cookie: localhost belongs to others.
import { Router } from 'express';
import { html } from './html.ts';
import { OneTime } from './one-time.ts';
import type { Person } from './options.ts';
import { sendMessage, sendPage } from './page-frame.ts';
import { findPerson, type Realm } from './realm.ts';
import { formOf, queryOf } from './requests.ts';
import { requireOwnForm } from './same-origin.ts';

const FORM_LIFE_MS = 30 * 60 * 1000;
const HANDOVER_LIFE_MS = 60 * 1000;

/** The account page, told where in the first origin to go on (a path with query). */
export function signInPageUrl(realm: Realm, returnTo: string): string {
  return `${realm.urls.signIn}login?${new URLSearchParams({ continue: returnTo }).toString()}`;
}

/** Only the consent page and the start page are gone on to; anything else becomes the start page. */
export function safeReturnTo(returnTo: string | null): string {
  return returnTo?.startsWith('/site/oauth2/authorize?') ? returnTo : '/';
}

/** Routes of the second origin. `handovers` is shared with the first, which takes the ticket back. */
export function signInRoutes(realm: Realm, handovers: OneTime<Person>): Router {
  const forms = new OneTime<string>(realm.now);
  const router = Router();

  router.get('/', (_request, response) => response.redirect(realm.urls.web));

  router.get('/login', (request, response) => {
    const returnTo = safeReturnTo(queryOf(request).get('continue'));
    sendPage(response, {
      title: 'Log in to continue',
      content: accountForm(realm.people, forms.put(returnTo, FORM_LIFE_MS)),
    });
  });

  router.post(
    '/login',
    requireOwnForm(() => new URL(realm.urls.signIn).origin),
    (request, response) => {
      const form = formOf(request);
      const returnTo = forms.take(form.get('ticket'));
      const person = findPerson(realm, form.get('person') ?? undefined);
      if (returnTo === undefined || !person) {
        const text = 'This page was answered already or is too old. Go back to the application and start again.';
        return sendMessage(response, 400, 'Start again', text);
      }
      const query = new URLSearchParams({ ticket: handovers.put(person, HANDOVER_LIFE_MS), continue: returnTo });
      response.redirect(303, `${realm.urls.web}sandbox/signed-in?${query.toString()}`);
    },
  );

  router.use((_request, response) => {
    sendMessage(response, 404, 'Page not found', 'Only the account page lives at this address.');
  });
  return router;
}

/** Named by key, which is unique, and not by display name, which somebody may share or imitate. */
function buttonName(person: Person): string {
  return `Continue as ${person.key.charAt(0).toUpperCase()}${person.key.slice(1)}`;
}

function accountForm(people: Person[], ticket: string) {
  const items = people.map(
    (person, index) =>
      html` <li>
        <button name="person" value="${person.key}" aria-describedby="note-${index}">${buttonName(person)}</button>
        <p class="soft" id="note-${index}">${person.note ?? person.key}</p>
      </li>`,
  );
  return html` <p>No password is asked for here: pick whom to be.</p>
    <form method="post" action="/login">
      <input type="hidden" name="ticket" value="${ticket}" />
      <ul class="people">
        ${items}
      </ul>
    </form>`;
}
