// What Bitbucket writes into Markdown besides Markdown: mentions and smart links.
import type { StateInline, Token } from 'markdown-it';
import { escapeHtml } from '../web/safe-html.ts';
import type { TextContext } from './markdown.ts';

/** `@{account_id}`; in older texts a uuid. */
const MENTION = /@\{([A-Za-z0-9:_-]{1,128})\}/y;
/** What follows a link that is shown as a card: `[url](url){: data-inline-card='' }`. */
const SMART_LINK = /\{:\s{0,9}data-inline-card=(?:'[^'\n]{0,99}'|"[^"\n]{0,99}")\s{0,9}\}/y;

export function mentionRule(state: StateInline, silent: boolean): boolean {
  MENTION.lastIndex = state.pos;
  const match = MENTION.exec(state.src);
  if (!match) return false;
  if (!silent) state.push('mention', '', 0).content = match[1]!;
  state.pos = MENTION.lastIndex;
  return true;
}

export function smartLinkRule(state: StateInline): boolean {
  if (state.src[state.pos - 1] !== ')') return false;
  SMART_LINK.lastIndex = state.pos;
  if (!SMART_LINK.test(state.src)) return false;
  state.pos = SMART_LINK.lastIndex;
  return true;
}

/** Somebody who is not known here was somebody all the same. */
export function mentionHtml(token: Token, context: TextContext): string {
  return `<span class="mention">@${escapeHtml(context.nameOf(token.content) ?? 'former user')}</span>`;
}

/** The ids that texts mention, as Bitbucket may have stored them: account ids, or uuids with their braces. */
export function mentionedIn(texts: Iterable<string>): string[] {
  const ids = new Set<string>();
  const everywhere = new RegExp(MENTION.source, 'g');
  for (const text of texts) {
    for (const [, id = ''] of text.matchAll(everywhere)) ids.add(id).add(`{${id}}`);
  }
  return [...ids];
}
