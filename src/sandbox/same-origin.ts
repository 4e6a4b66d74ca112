// Forms of the sandbox answer only to the sandbox's own pages; every form also carries a one-time ticket.
import type { RequestHandler } from 'express';
import { sendMessage } from './page-frame.ts';

/** Refuses a POST that a page of another origin sent. */
export function requireOwnForm(ownOrigin: () => string): RequestHandler {
  return (request, response, next) => {
    const origin = request.headers.origin;
    if (request.method !== 'POST' || origin === undefined || origin === ownOrigin()) return next();
    sendMessage(response, 403, 'Not from here', 'This form was sent by another page. Go back and start again.');
  };
}
