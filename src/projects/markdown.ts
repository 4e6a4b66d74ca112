// Foreign texts as HTML: Markdown in the dialect of Bitbucket. HTML in a text stays text, so nothing of it has to be
// filtered afterwards: every tag that comes out was written by the renderer.
import type { Env, RendererRule } from 'markdown-it';
import MarkdownIt from 'markdown-it';
import { imageHtml, linkTokens, resolveLink } from './markdown-links.ts';
import { mentionHtml, mentionRule, smartLinkRule } from './markdown-dialect.ts';
import type { SafeHtml } from '../web/safe-html.ts';
import { escapeHtml, safeHtml } from '../web/safe-html.ts';

/** What a text is looked at with. */
export interface TextContext {
  /** Absolute address that relative links of the text start from: at Bitbucket, where it was written. */
  address: string;
  /** Our page for one of Bitbucket's, when what it shows was imported. */
  page(address: string): string | undefined;
  /** A file that was imported from that address. */
  attachment(address: string): ImportedFile | undefined;
  /** The name behind `@{id}`. */
  nameOf(id: string): string | undefined;
  /** The highest heading there may be: pages have headings above the text. */
  topHeading: 2 | 3 | 4;
}

export interface ImportedFile {
  /** Address of ours. */
  href: string;
  /** Whether a browser gets it as a picture; everything else is for downloading. */
  isImage: boolean;
}

/** Above it a text is shown as it is: Bitbucket takes half of it, and no page has to wait for what a machine wrote. */
export const MAX_MARKDOWN_LENGTH = 65_536;

const markdown = new MarkdownIt({ html: false, linkify: true });
markdown.linkify.set({ fuzzyEmail: false });
// Checked as a browser would read it; see markdown-links.
markdown.validateLink = (link) => resolveLink(link, 'https://relative.invalid/') !== undefined;
markdown.inline.ruler.before('link', 'mention', mentionRule);
markdown.inline.ruler.before('link', 'smart_link', smartLinkRule);
markdown.core.ruler.push('links', ({ tokens, env }) => linkTokens(tokens, contextIn(env)));
markdown.core.ruler.push('headings', ({ tokens, env }) => {
  const { topHeading } = contextIn(env);
  for (const token of tokens) {
    if (!token.type.startsWith('heading_')) continue;
    token.tag = `h${Math.min(6, Number(token.tag.slice(1)) + topHeading - 1)}`;
  }
});
// markdown-it aligns columns by a style attribute, which our policy does not let the browser follow.
markdown.core.ruler.push('alignment', ({ tokens }) => {
  for (const token of tokens) {
    const side = /^text-align:(\w+)$/.exec(String(token.attrGet('style')))?.[1];
    if (side !== undefined) token.attrs = [['class', `align-${side}`]];
  }
});
const rules: Record<string, RendererRule> = {
  image: (tokens, index) => imageHtml(tokens[index]!),
  mention: (tokens, index, _options, env) => mentionHtml(tokens[index]!, contextIn(env)),
  // The language that a block names is left out: nothing here colours it. Blocks and tables that are wider than the
  // page scroll by themselves, also by keyboard.
  fence: (tokens, index) => codeHtml(tokens[index]!.content),
  code_block: (tokens, index) => codeHtml(tokens[index]!.content),
  table_open: () => '<div class="table-frame" tabindex="0" role="region" aria-label="Table"><table>\n',
  table_close: () => '</table></div>\n',
};
Object.assign(markdown.renderer.rules, rules);

function contextIn(env: Env | undefined): TextContext {
  return env?.['context'] as TextContext;
}

function codeHtml(content: string): string {
  return `<pre tabindex="0"><code>${escapeHtml(content)}</code></pre>\n`;
}

export function renderMarkdown(text: string, context: TextContext): SafeHtml {
  if (text.length > MAX_MARKDOWN_LENGTH) return renderPlain(text);
  return safeHtml(markdown.render(text, { context }));
}

/** A text as it stands. */
export function renderPlain(text: string): SafeHtml {
  return safeHtml(`<pre class="plain-text" tabindex="0">${escapeHtml(text)}</pre>`);
}
