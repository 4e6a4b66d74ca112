// PostgreSQL that answers, but not as one would like: it undoes transactions, has no room, keeps everybody waiting.
import pg from 'pg';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { freePort } from '../commands/run.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { until } from '../support/until.ts';
import { describeWith, postgres } from './needs.ts';
import {
  configure,
  makePeople,
  openSandbox,
  patient,
  PUBLIC_URL,
  SECRET_KEY,
  startNode,
  untilWithin,
} from './nodes.ts';
import type { TestDatabase } from './postgres.ts';
import { makeDatabase } from './postgres.ts';
import type { Relay } from './relay.ts';
import { startRelay } from './relay.ts';
import { Visitor } from './visitor.ts';

interface Scene {
  database: TestDatabase;
  relay: Relay;
  sandbox: Sandbox;
  visitor: Visitor;
}

const PEOPLE = 8;

async function setTheScene(): Promise<Scene> {
  const sandbox = await openSandbox(makePeople(PEOPLE));
  const database = await makeDatabase();
  const relay = await startRelay(database);
  const port = await freePort();
  const env = { DATABASE_URL: database.urlBy(relay.port), GATEHOUSE_SECRET_KEY: SECRET_KEY };
  await startNode(configure(sandbox), port, env);
  return { database, relay, sandbox, visitor: new Visitor({ url: PUBLIC_URL, port }) };
}

/** Accounts made through Bitbucket; each must have its identity, and no identity may be there twice. */
async function countAccounts({ database }: Scene): Promise<number> {
  const [row] = await database.run(`select
    (select count(*) from accounts where password_hash is null) as accounts,
    (select count(distinct extern_uid) from identities) as identities,
    (select count(*) from accounts where password_hash is null and id not in (select account_id from identities)) as half`);
  expect(row).toMatchObject({ half: '0', identities: row?.['accounts'] });
  return Number(row?.['accounts']);
}

/** The first `times` inserts into `table` end like this, in the middle of their transaction. */
async function spoil({ database }: Scene, table: string, times: number, trouble: string): Promise<void> {
  await database.run(`create sequence spoilt;
    create function spoil() returns trigger language plpgsql as $$ begin
      if nextval('spoilt') <= ${times} then ${trouble}; end if;
      return new;
    end $$;
    create trigger spoil before insert on ${table} for each row execute function spoil()`);
}

async function endSpoiling({ database }: Scene, table: string): Promise<void> {
  await database.run(`drop trigger spoil on ${table}; drop function spoil(); drop sequence spoilt`);
}

function raise(code: string): string {
  return `raise exception 'made by a test' using errcode = '${code}'`;
}

describeWith([postgres], 'PostgreSQL in trouble', () => {
  test('what it undoes because of another transaction is done again, anything else is 503, and nothing is ever half done (DB-005, DB-008)', async () => {
    const scene = await setTheScene();
    const { visitor, sandbox } = scene;
    const cases: [what: string, times: number, trouble: string, status: number][] = [
      ['serialization failure', 2, raise('40001'), 303],
      ['deadlock', 2, raise('40P01'), 303],
      ['disk full', 1, raise('53100'), 503],
      ['idle in transaction', 1, raise('25P03'), 503],
      ['connection ended', 1, 'perform pg_terminate_backend(pg_backend_pid())', 503],
    ];
    for (const [index, [what, times, trouble, status]] of cases.entries()) {
      await spoil(scene, 'identities', times, trouble);
      const answer = await visitor.newBrowser().signIn(sandbox, `person-${index}`);
      expect([what, answer.status]).toEqual([what, status]);
      expect(await countAccounts(scene)).toBe(status === 303 ? index + 1 : index);
      expect((await visitor.newBrowser().signIn(sandbox, `person-${index}`)).status).toBe(303);
      expect(await countAccounts(scene)).toBe(index + 1);
      await endSpoiling(scene, 'identities');
    }
    // Where nothing is done again: the first click of the button.
    await spoil(scene, 'flows', 1, raise('40P01'));
    expect((await visitor.newBrowser().start()).status).toBe(503);
    expect((await visitor.newBrowser().start()).status).toBe(302);
  });

  test('with serializable transactions first sign-ins at once end well or in 503 (DB-005)', async () => {
    const scene = await setTheScene();
    const { database, sandbox, visitor } = scene;
    await database.administer(`alter database ${database.name} set default_transaction_isolation = 'serializable'`);
    await database.endConnections();
    const visitors = Array.from({ length: 2 * PEOPLE }, () => visitor.newBrowser());
    const signIns = visitors.map(async (browser, index) => {
      const person = `person-${index % PEOPLE}`;
      const started = await browser.start();
      if (started.status !== 302) return started.status;
      const { status } = await browser.open(await browser.agree(sandbox, started, person));
      if (status === 303) expect(await browser.whoAmI()).toBe(person);
      return status;
    });
    for (const status of await Promise.all(signIns)) expect([303, 503]).toContain(status);
    expect(await countAccounts(scene)).toBeLessThanOrEqual(PEOPLE);
  });

  test('a connection that breaks after COMMIT was sent: the next try finds the account instead of making a second one (DB-006)', async () => {
    const scene = await setTheScene();
    const { relay, sandbox, visitor } = scene;
    const callback = await visitor.agree(sandbox, await visitor.start(), 'person-0');
    await relay.set({ cutAfter: 'commit' });
    expect((await visitor.open(callback)).status).toBe(503);
    await untilWithin(2000, async () => (await countAccounts(scene)) === 1); // it was done, and nobody was told
    expect((await visitor.signIn(sandbox, 'person-0')).status).toBe(303);
    expect(await visitor.whoAmI()).toBe('person-0');
    expect(await countAccounts(scene)).toBe(1);
  });

  test('when every connection is stuck, others are told 503 within seconds, readiness says so, and it heals (DB-007)', async () => {
    const { database, sandbox, visitor } = await setTheScene();
    await visitor.signIn(sandbox, 'person-0');
    const locker = new pg.Client({ connectionString: database.url });
    await locker.connect();
    closeAtEnd(() => locker.end());
    await locker.query('begin; lock table sessions in access exclusive mode');
    const stuck = Array.from({ length: 10 }, () => visitor.whoAmI());
    const waiting = `select pid from pg_stat_activity where datname = '${database.name}' and wait_event_type = 'Lock'`;
    await until(async () => (await database.run(waiting)).length === stuck.length);
    const began = Date.now();
    const others = Array.from({ length: 5 }, () => visitor.whoAmI());
    expect((await visitor.get('/-/readiness')).status).toBe(503);
    expect((await visitor.get('/-/liveness')).status).toBe(200);
    expect(await Promise.all(others)).toEqual(Array(5).fill(503));
    expect(Date.now() - began).toBeLessThan(patient(2500));
    await locker.query('rollback');
    await Promise.all(stuck);
    expect(await visitor.whoAmI()).toBe('person-0');
    expect((await visitor.get('/-/readiness')).status).toBe(200);
  });
});
