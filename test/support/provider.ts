// A provider that the sandbox plays, as the configuration names it.
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

export const CONSUMER = { key: 'test-key', secret: 'test-secret-53cr3t' };

/** The YAML of a provider that the sandbox plays. */
export function providerYaml(sandbox: Sandbox, more = ''): string {
  return `omniauth:
  providers:
    - { name: bitbucket, app_id: ${CONSUMER.key}, app_secret: ${CONSUMER.secret}, url: '${sandbox.url}' ${more} }
`;
}
