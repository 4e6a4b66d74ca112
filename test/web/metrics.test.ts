// GET /-/metrics: for those who may, and about what matters.
import request from 'supertest';
import { openBrowser, signInWithBitbucket, signInWithPassword, startBoth } from '../support/people.ts';
import { startApp } from '../support/start-app.ts';

test('tells who got in by which way, who did not and why', async () => {
  const { app, sandbox } = await startBoth();
  await signInWithBitbucket(openBrowser(app), sandbox);
  await signInWithPassword(openBrowser(app), 'root', 'wrong');
  await openBrowser(app).get('/users/auth?code=x&state=y');
  const { text, headers } = await request(app.url).get('/-/metrics').expect(200);
  expect(headers['content-type']).toContain('text/plain; version=0.0.4');
  expect(text).toContain('gatehouse_sign_ins_total{provider="bitbucket",result="ok"} 1');
  expect(text).toContain('gatehouse_sign_ins_total{provider="password",result="invalid_credentials"} 1');
  expect(text).toContain('gatehouse_sign_ins_total{provider="none",result="invalid_state"} 1');
  expect(text).toContain('gatehouse_sign_in_duration_seconds_count{provider="bitbucket"} 1');
  expect(text).toMatch(/gatehouse_http_request_duration_seconds_count\{method="POST",status="422"\} 1/);
  expect(text).toContain('process_resident_memory_bytes');
  expect(text).not.toContain('test-secret');
});

test.each([
  ['nobody but the listed addresses', 'monitoring: { allow: [192.0.2.0/24] }', {}, 404],
  ['a listed network', 'monitoring: { allow: [127.0.0.0/8] }', {}, 200],
  ['behind a proxy that nobody named', '', { 'X-Forwarded-For': '127.0.0.1' }, 404],
  ['behind a proxy that nobody named, another header', '', { Forwarded: 'for=127.0.0.1' }, 404],
  ['a stranger through a trusted proxy', 'trusted_proxies: [127.0.0.1]', { 'X-Forwarded-For': '203.0.113.5' }, 404],
  [
    'a listed client through a trusted proxy',
    'trusted_proxies: [127.0.0.1]\nmonitoring: { allow: [203.0.113.5] }',
    { 'X-Forwarded-For': '203.0.113.5' },
    200,
  ],
])('%s', async (_name, yaml, headers, status) => {
  const app = await startApp({ yaml });
  const answer = await request(app.url)
    .get('/-/metrics')
    .set(headers as Record<string, string>);
  expect(answer.status).toBe(status);
  expect(answer.headers['set-cookie']).toBeUndefined();
});
