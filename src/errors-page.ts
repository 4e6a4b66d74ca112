// docs/errors.md, generated from the one table of errors.
import { errorKinds } from './errors.ts';

/** Every error with its status, code, and the words that a page shows. */
export function errorsPage(): string {
  const rows = Object.entries(errorKinds)
    .sort(([, a], [, b]) => a.status - b.status)
    .map(([code, { status, heading, sentence }]) => `| ${status} | \`${code}\` | ${heading} | ${sentence} |`);
  return `# Errors

People see a page with the heading, the sentence, a next step and the request id. Scripts (below \`/api/\`, \`*.json\`, or
with \`Accept: application/json\`) get \`application/problem+json\` (RFC 9457) with \`title\` (the heading), \`status\`,
\`detail\` (the sentence, sometimes a more exact one), \`code\` and \`request_id\`. Codes do not change between versions.
What to do about each: [troubleshooting](troubleshooting.md).

<!-- Generated from src/error-kinds.ts by "npm run docs". -->
<!-- prettier-ignore -->
| Status | Code | Heading | Sentence |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
