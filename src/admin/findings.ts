// What a look at the set-up finds, in words for an administrator: for `gatehouse doctor` and for the page.

export interface Finding {
  /** `unknown`: what was seen proves neither. */
  state: 'ok' | 'warning' | 'failed' | 'unknown';
  about: string;
  words: string;
  /** What to do about it; told unless all is well. */
  next?: string;
}
