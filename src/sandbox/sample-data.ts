// The people and workspaces of the demo. Ids look like Bitbucket's; names, addresses and ids are made up.
import type { Email, Person, Workspace } from './options.ts';

/** Twelve more workspaces, so that a list of them has a second page. */
const CLIENT_NAMES = [
  'Amber Bakery',
  'Birch Optics',
  'Cedar Clinic',
  'Delta Ferries',
  'Elm Books',
  'Fjord Sails',
  'Grove Garden',
  'Harbour Radio',
  'Iris Florists',
  'Juniper Tea',
  'Kestrel Maps',
  'Linden Choir',
];

const clientWorkspaces: Workspace[] = CLIENT_NAMES.map((name, index) => ({
  uuid: `{5c0e7a1${index.toString(16)}-93d4-4b6f-8a52-0f6d1c27be${(index + 16).toString(16)}}`,
  slug: name.toLowerCase().replaceAll(' ', '-'),
  name,
  isPrivate: true,
  createdOn: `2023-${String(index + 1).padStart(2, '0')}-14T08:30:00.250000+00:00`,
}));

/** Slugs of Dan's workspaces. */
export const CLIENT_WORKSPACES: readonly string[] = clientWorkspaces.map(({ slug }) => slug);

export const SAMPLE_WORKSPACES: readonly Workspace[] = [
  {
    uuid: '{0b7d3c52-6f1e-4a0d-9c55-2f4e8d1a7b36}',
    slug: 'acme',
    name: 'Acme Tools',
    isPrivate: true,
    createdOn: '2019-03-04T10:15:00.118204+00:00',
  },
  {
    uuid: '{e41f9d08-2c7b-4d35-8f6a-91b0c3d5e72f}',
    slug: 'open-garden',
    name: 'Open Garden',
    isPrivate: false,
    createdOn: '2021-08-19T16:42:10.730911+00:00',
  },
  ...clientWorkspaces,
];

const confirmed = (address: string): Email => ({ address, isPrimary: true, isConfirmed: true });

export const SAMPLE_PEOPLE: readonly Person[] = [
  {
    key: 'alice',
    note: 'Alice — a confirmed e-mail address, owner of Acme Tools and member of Open Garden; has repositories to import',
    uuid: '{7f3c9a64-1d2e-4b58-a0c7-6e9d4f218b35}',
    accountId: '712020:3b9f0c7e-58a1-4d26-9e4b-c17a60d2f583',
    username: 'alice',
    nickname: 'alice',
    displayName: 'Alice Example',
    createdOn: '2019-03-04T10:12:31.402117+00:00',
    emails: [
      confirmed('alice@example.test'),
      { address: 'alice.old@example.test', isPrimary: false, isConfirmed: false },
    ],
    memberships: [
      { workspace: 'acme', permission: 'owner' },
      { workspace: 'open-garden', permission: 'member' },
    ],
  },
  {
    key: 'bob',
    note: 'Bob — his e-mail address is not confirmed; member of Acme Tools',
    uuid: '{c28e5b17-904d-4f6a-b3d1-58a7e0946c2f}',
    accountId: '557058:d05f1a92-7c38-4e6b-8a41-2b9c6e73f01d',
    username: 'bob_builder',
    nickname: 'bob',
    displayName: 'Bob Builder',
    createdOn: '2020-11-23T07:55:02.018330+00:00',
    emails: [{ address: 'bob@example.test', isPrimary: true, isConfirmed: false }],
    memberships: [{ workspace: 'acme', permission: 'create-project' }],
  },
  {
    key: 'carol',
    note: 'Carol — a confirmed e-mail address, but no workspace',
    uuid: '{48d06f3b-a5c9-4172-9be8-0d3f7c61e594}',
    accountId: '5d8c0e2f6b7a910c3e4f5a6b',
    username: 'carol',
    nickname: 'carol',
    displayName: 'Carol Singer',
    createdOn: '2018-01-30T19:20:45.906251+00:00',
    emails: [confirmed('carol@example.test')],
    memberships: [],
  },
  {
    key: 'dan',
    note: 'Dan — umlauts and an emoji in his name, no username, twelve workspaces with 1,100 repositories',
    uuid: '{91ba4e70-3f65-4c2d-8d17-f4c8a2e06b59}',
    accountId: '712020:8e21d7f4-0b6c-4935-a7d8-5f3c9b104e62',
    nickname: 'Dänïel Müller 🦊',
    displayName: 'Dänïel Müller 🦊',
    createdOn: '2023-01-02T12:00:00.000001+00:00',
    emails: [confirmed('daniel.mueller@example.test')],
    memberships: clientWorkspaces.map(({ slug }) => ({ workspace: slug, permission: 'member' })),
  },
  {
    key: 'eve',
    note: 'Eve — calls herself Alice, is named “root” and claims Alice’s address without having confirmed it',
    uuid: '{d6573ec1-82f0-4b9d-a64e-17c05b9f3a28}',
    accountId: '712020:f64c1b03-92ea-4d57-b08c-3a7e5d19c640',
    username: 'root',
    nickname: 'Alice Example',
    displayName: 'Alice Example',
    createdOn: '2026-10-31T23:59:59.999999+00:00',
    emails: [{ address: 'alice@example.test', isPrimary: true, isConfirmed: false }],
    memberships: [{ workspace: 'open-garden', permission: 'member' }],
  },
  {
    key: 'twin',
    note: 'Twin — Alice’s second account: another identity with the same confirmed e-mail address',
    uuid: '{2ae9508d-c71b-4603-95fd-b8e4076d1c3a}',
    accountId: '712020:05c7e9a1-4f2d-4b83-96d0-e81f7a3c2b54',
    username: 'alice-at-work',
    nickname: 'alice-at-work',
    displayName: 'Alice Example (work)',
    createdOn: '2025-05-12T06:31:17.564402+00:00',
    emails: [confirmed('alice@example.test')],
    memberships: [{ workspace: 'acme', permission: 'member' }],
  },
];
