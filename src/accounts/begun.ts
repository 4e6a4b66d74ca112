// Ends what somebody has begun: so that nothing from before a change of their ways in leads in after it.
//
// Transactions that change several tables of one person take its rows in one order, or two of them could wait for each
// other on PostgreSQL: identities and their tokens; then what was begun, as below; access tokens; the account last.
import type { Transaction } from '../db/tables.ts';
import type { Services } from '../services.ts';
import { endSessions, endSessionsBegunWith } from '../web/account-sessions.ts';
import { Flows } from './flows.ts';
import { forgetPendingLinks } from './pending-links.ts';
import { forgetSignInLinks } from './sign-in-links.ts';

interface Ending {
  accountId: number;
  /** The stored name (sessionHash) of a session that goes on. */
  keep?: string | undefined;
  /** Only sessions that were begun with this provider. */
  begunWith?: string | undefined;
}

/** Sessions, dances under way, proofs that were offered, one-time links. @returns how many sessions there were */
export async function endWhatWasBegun(
  trx: Transaction,
  services: Pick<Services, 'db' | 'now'>,
  { accountId, keep, begunWith }: Ending,
): Promise<number> {
  await new Flows(services).forgetOf(trx, accountId);
  await forgetPendingLinks(trx, accountId);
  await forgetSignInLinks(trx, accountId);
  return begunWith === undefined
    ? endSessions(trx, accountId, keep)
    : endSessionsBegunWith(trx, accountId, { provider: begunWith, keep });
}
