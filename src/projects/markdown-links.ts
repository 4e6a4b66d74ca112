// Links and images of foreign texts: where they may lead, and what is shown here.
import type { Token } from 'markdown-it';
import { escapeHtml } from '../web/safe-html.ts';
import type { TextContext } from './markdown.ts';

const SCHEMES = new Set(['http:', 'https:', 'mailto:']);

/** Nothing of ours is told to the other side, and it gets no hold of our page. */
const REL = 'nofollow noopener noreferrer';

/**
 * Read by the parser that browsers use, which takes tabs and line ends out of an address before it looks at the scheme:
 * what it makes of it is what is printed.
 * @returns an absolute address, or undefined for one that leads nowhere good
 */
export function resolveLink(link: string, from: string): string | undefined {
  if (!URL.canParse(link, from)) return undefined;
  const url = new URL(link, from);
  return SCHEMES.has(url.protocol) ? url.href : undefined;
}

/** Points every link at its absolute address, and decides for every image what is shown of it. */
export function linkTokens(tokens: Token[], context: TextContext): void {
  for (const { children } of tokens) {
    let inLink = false;
    for (const token of children ?? []) {
      if (token.type === 'link_open') {
        inLink = true;
        setAddress(token, context);
      } else if (token.type === 'link_close') {
        inLink = false;
      } else if (token.type === 'image') {
        token.meta = { image: describeImage(token, inLink, context) };
      }
    }
  }
}

function setAddress(token: Token, context: TextContext): void {
  const absolute = resolveLink(String(token.attrGet('href')), context.address);
  token.attrs = [];
  if (absolute === undefined) return;
  const ours = context.page(absolute) ?? context.attachment(absolute)?.href;
  token.attrSet('href', ours ?? absolute);
  if (ours === undefined) token.attrSet('rel', REL);
}

interface Image {
  /** Address of ours; of others nothing is loaded: it would tell them who reads what, and when. */
  src: string | undefined;
  /** Where it is otherwise, to be followed by whoever wants to. */
  href: string | undefined;
  alt: string;
}

function describeImage(token: Token, inLink: boolean, context: TextContext): Image {
  const address = resolveLink(String(token.attrGet('src')), context.address);
  const file = address === undefined ? undefined : context.attachment(address);
  return {
    src: file?.isImage ? file.href : undefined,
    href: inLink ? undefined : (file?.href ?? address),
    alt: textOf(token.children ?? []),
  };
}

function textOf(tokens: Token[]): string {
  return tokens.map((token) => (token.type === 'image' ? textOf(token.children ?? []) : token.content)).join('');
}

export function imageHtml({ meta }: Token): string {
  const { src, href, alt } = meta?.['image'] as Image;
  if (src !== undefined) return `<img src="${escapeHtml(src)}" alt="${escapeHtml(alt)}" loading="lazy">`;
  const words = alt.trim() || 'image';
  if (href === undefined) return escapeHtml(words);
  return `<a href="${escapeHtml(href)}" rel="${REL}">${escapeHtml(words)}</a>`;
}
