// Which Node runs this, and whether it still gets fixes.

/** What to tell about a version such as `v20.20.2`; undefined when all is well. @see https://nodejs.org/en/about/previous-releases */
export function nodeWarning(version: string): string | undefined {
  const major = Number(/^v?(\d+)\./.exec(version)?.[1]);
  // 20 is the oldest that works (package.json), but its fixes ended in April 2026.
  if (major >= 26 || major === 24 || major === 22) return undefined;
  return `Node ${version} gets no security fixes any more: take 24`;
}
