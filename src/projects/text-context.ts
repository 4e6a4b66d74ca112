// What the texts of a project are looked at with: names behind mentions, files behind addresses, pages behind links.
import type { Project } from '../db/project-tables.ts';
import type { Web } from '../web/web.ts';
import { findAttachments } from './attachments.ts';
import { pathOfProject } from './describe.ts';
import { mentionedIn } from './markdown-dialect.ts';
import type { SafeHtml } from '../web/safe-html.ts';
import type { TextContext } from './markdown.ts';
import { renderMarkdown, renderPlain } from './markdown.ts';
import { findMentioned } from './people.ts';

type FindFile = TextContext['attachment'];

/** As much as one page makes HTML of; what comes after is shown as it stands, so that no page takes seconds. */
const MAX_RENDERED_LENGTH = 262_144;

/**
 * @param texts everything that `render` will be given
 * @returns a function that makes HTML of a text, in the order in which a page shows them
 */
export async function prepareTexts(
  { services: { db }, site }: Web,
  project: Project,
  texts: string[],
  { address, topHeading, picture }: Pick<TextContext, 'address' | 'topHeading'> & { picture?: FindFile },
): Promise<(text: string) => SafeHtml> {
  const names = await findMentioned(db, project.source_provider, mentionedIn(texts));
  const attachment = await findAttachments(db, project, site.base);
  const context: TextContext = {
    address,
    topHeading,
    attachment: (link) => picture?.(link) ?? attachment(link),
    page: (link) => pageOf(project, link, site.base),
    nameOf: (id) => names.get(id) ?? names.get(`{${id}}`),
  };
  let left = MAX_RENDERED_LENGTH;
  return (text) => {
    left -= text.length;
    return left < 0 ? renderPlain(text) : renderMarkdown(text, context);
  };
}

/** A pull request of the same project, and a comment on it, are here as well. */
function pageOf(project: Project, link: string, base: string): string | undefined {
  const start = `${project.source_url}/pull-requests/`;
  if (!link.startsWith(start)) return undefined;
  const match = /^([1-9]\d{0,14})(?:\/[^#]*)?(#comment-\d{1,15})?$/.exec(link.slice(start.length));
  if (!match) return undefined;
  return `${base}${pathOfProject(project)}/pull_requests/${match[1]}${match[2] ?? ''}`;
}
