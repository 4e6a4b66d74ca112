// Good answers of Bitbucket's, for tests to bend.

export const tokenReply = {
  access_token: 'TOKEN-'.padEnd(2500, 'x'),
  token_type: 'bearer',
  expires_in: 7200,
  refresh_token: 'REFRESH-token',
  scope: 'account email',
};

export const uuid = '{7f5a3a6c-2b1d-4c8e-9f00-0123456789ab}';

export const userReply = {
  type: 'user',
  uuid,
  account_id: '557058:0f0e0d0c-1111-2222-3333-444455556666',
  username: 'jurgen',
  nickname: 'jurgen',
  display_name: 'Jürgen Müller',
  links: {
    avatar: { href: 'https://avatar.example/jurgen.png' },
    html: { href: 'https://bitbucket.org/%7B7f5a3a6c-2b1d-4c8e-9f00-0123456789ab%7D/' },
  },
};

export const emailReply = { type: 'email', email: 'jurgen@example.com', is_primary: true, is_confirmed: true };

export const emailsReply = { values: [emailReply] };
