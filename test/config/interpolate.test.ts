// ${NAME} and ${NAME:-default} inside the values of the file.
import { makePlace } from './make-place.ts';

function loadWith(yaml: string, env: NodeJS.ProcessEnv = {}) {
  return makePlace(yaml).load(env).config;
}

test('a variable is replaced, alone or inside a text, and takes the type of its setting', () => {
  const config = loadWith(
    'external_url: https://${HOST}/${PATH_PREFIX}\nlisten:\n  port: ${WEB_PORT}\npassword_sign_in: ${FORM}\ntrusted_proxies: ${PROXIES}\n',
    { HOST: 'gate.example.com', PATH_PREFIX: 'git', WEB_PORT: '4000', FORM: 'false', PROXIES: '10.0.0.1,10.0.0.2' },
  );
  expect(config).toMatchObject({
    external_url: 'https://gate.example.com/git',
    listen: { port: 4000 },
    password_sign_in: false,
    trusted_proxies: ['10.0.0.1', '10.0.0.2'],
  });
});

test('a variable in quotes, as { } and [ ] need it, does the same', () => {
  expect(
    loadWith("listen: { port: '${P}' }\ntrusted_proxies: ['${A}', 10.0.0.2]", { P: '4000', A: '10.0.0.1' }),
  ).toMatchObject({ listen: { port: 4000 }, trusted_proxies: ['10.0.0.1', '10.0.0.2'] });
});

test('a secret that looks like a number stays a text', () => {
  const yaml = 'omniauth:\n  providers:\n    - name: bitbucket\n      app_id: ${ID}\n      app_secret: ${SECRET}\n';
  expect(loadWith(yaml, { ID: '0123', SECRET: 'true' }).omniauth.providers).toMatchObject([
    { app_id: '0123', app_secret: 'true' },
  ]);
});

test('a value from the environment is data: nothing in it is YAML', () => {
  const yaml = 'omniauth:\n  providers:\n    - name: bitbucket\n      app_id: ${ID}\n      app_secret: ${SECRET}\n';
  const env = { ID: '*alias', SECRET: '{a:1}#$${x}${y}' };
  expect(loadWith(yaml, env).omniauth.providers).toMatchObject([{ app_id: env.ID, app_secret: env.SECRET }]);
});

test('the default is used when the variable is unset or empty', () => {
  expect(loadWith('listen:\n  port: ${WEB_PORT:-4000}\n').listen.port).toBe(4000);
  expect(loadWith('listen:\n  port: ${WEB_PORT:-4000}\n', { WEB_PORT: '' }).listen.port).toBe(4000);
  expect(loadWith('listen:\n  port: ${WEB_PORT:-4000}\n', { WEB_PORT: '5000' }).listen.port).toBe(5000);
});

test('an empty default leaves the setting unset', () => {
  expect(loadWith('secret_key: ${KEY:-}\n').secret_key).toBeUndefined();
});

test('$${ is a literal ${', () => {
  const key = 'a$${b}-0123456789-0123456789-0123456789';
  expect(loadWith(`secret_key: ${key}`).secret_key).toEqual([key.replace('$$', '$')]);
});

test('a variable that is unset is a mistake at its place', () => {
  expect(makePlace('listen:\n  port: ${WEB_PORT}\n  host: ${WEB_HOST}\n').mistakes({ WEB_HOST: '' })).toEqual([
    'config/gatehouse.yml:2:9 listen.port: expected the environment variable WEB_PORT to be set, got nothing (for a literal ${ write $${)',
    'config/gatehouse.yml:3:9 listen.host: expected the environment variable WEB_HOST to be set, got nothing (for a literal ${ write $${)',
  ]);
});

test.each(['${', '${}', '${1A}', '${A-b}', '${A', 'x${A B}'])('a malformed reference is a mistake: %s', (value) => {
  expect(makePlace(`data_dir: '${value}'`).mistakes({ A: 'x' })).toEqual([
    'config/gatehouse.yml:1:11 data_dir: expected ${NAME} or ${NAME:-default}, got something else after ${ (for a literal ${ write $${)',
  ]);
});

test('without quotes inside { } the mistake tells the cure', () => {
  expect(makePlace('listen: { port: ${WEB_PORT} }').mistakes()).toEqual([
    "config/gatehouse.yml:1:18: expected a value, got ${ inside { } or [ ] (put it in quotes: '${NAME}')",
  ]);
});
