// Variables of this process for a while. All files that a worker runs share them.
export type Variables = Record<string, string | undefined>;

/** @param values undefined: it is not there. @returns puts back what was there before */
export function setVariables(values: Variables): () => void {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
  write(values);
  return () => write(before);
}

function write(values: Variables): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
