// Rows that were read for several imports at once, put back to each.

export function byImport<T extends { import_id: number }>(rows: T[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(row.import_id);
    if (group) group.push(row);
    else groups.set(row.import_id, [row]);
  }
  return groups;
}
