// The storage behind downloads, on the second origin as Amazon's is: it knows one-time tickets in addresses and refuses
// every request that brings an Authorization header along.
import { Router } from 'express';
import type { Realm } from './realm.ts';
import { queryOf } from './requests.ts';

/** What lies behind one address, once. */
export interface StoredFile {
  name: string;
  content: Buffer;
}

const LIFE_MS = 5 * 60 * 1000;

/** An address at which the file can be fetched once, in the next minutes. */
export function storageUrl(realm: Realm, file: StoredFile): string {
  const query = new URLSearchParams({ 'X-Amz-Signature': realm.storage.put(file, LIFE_MS) });
  return `${realm.urls.signIn}storage/${encodeURIComponent(file.name)}?${query.toString()}`;
}

export function storageRoutes(realm: Realm): Router {
  const router = Router();
  router.get('/storage/:name', (request, response) => {
    if (request.headers.authorization !== undefined) {
      const refusal = '<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>';
      return void response.status(400).type('application/xml').send(refusal);
    }
    const file = realm.storage.take(queryOf(request).get('X-Amz-Signature'));
    if (!file)
      return void response.status(403).type('application/xml').send('<Error><Code>AccessDenied</Code></Error>');
    response.status(200).type('application/octet-stream').attachment(file.name).send(file.content);
  });
  return router;
}
