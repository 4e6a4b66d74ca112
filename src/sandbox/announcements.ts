// Tells in headers what is about to be taken away, as Bitbucket did for half a year before issues went; or takes it away.
import type { RequestHandler } from 'express';
import { sendGone } from './api-errors.ts';
import type { Realm } from './realm.ts';
import { routeOf } from './route-names.ts';

export function announcements(realm: Realm): RequestHandler {
  return (request, response, next) => {
    const route = routeOf(request.path);
    const found = realm.switches.announcements.find((announcement) => announcement.route === route);
    if (!found) return next();
    if (found.deprecatedOn !== undefined) {
      response.set('Deprecation', `@${Math.floor(Date.parse(found.deprecatedOn) / 1000)}`);
    }
    if (found.endsOn !== undefined) {
      response.set('Sunset', new Date(found.endsOn).toUTCString().replace('GMT', 'UTC'));
    }
    if (found.change !== undefined) {
      const page = `https://developer.atlassian.com/cloud/bitbucket/changelog#${found.change}`;
      response.set('Link', `<${page}>; rel="deprecation"; type="text/html"`);
    }
    if (found.gone === true) return sendGone(response, found.change ?? 'This');
    next();
  };
}
