// Looks at HTML that was made of foreign texts: strictly, as our renderer writes it; anything else is a finding. What a
// real browser makes of the same texts is seen in test/browser.

const ELEMENTS = new Set(
  'a blockquote br code div em h2 h3 h4 h5 h6 hr img li ol p pre s span strong table tbody td th thead tr ul'.split(
    ' ',
  ),
);
const EMPTY = new Set(['br', 'hr', 'img']);
const ATTRIBUTES: Record<string, RegExp> = {
  href: /^(https?:\/\/[^/]|mailto:|\/(?!\/))/,
  src: /^\/(?!\/)/, // ours only
  rel: /^nofollow noopener noreferrer$/,
  alt: /^/,
  title: /^/,
  loading: /^lazy$/,
  class: /^(mention|table-frame|plain-text|align-(left|center|right))$/,
  tabindex: /^0$/,
  role: /^region$/,
  'aria-label': /^Table$/,
  start: /^\d+$/,
};

/** One line per thing that should not be there. */
export function findingsIn(html: string): string[] {
  const findings: string[] = [];
  const open: string[] = [];
  const rest = html.replace(
    /<(\/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"<>]*")*)>/g,
    (_tag, slash: string, name: string, attributes: string) => {
      if (!ELEMENTS.has(name)) findings.push(`element ${name}`);
      if (slash === '/') {
        if (open.pop() !== name) findings.push(`</${name}> closes nothing`);
      } else if (!EMPTY.has(name)) {
        open.push(name);
      }
      findings.push(...findingsInAttributes(name, attributes));
      return '';
    },
  );
  if (/[<>]/.test(rest)) findings.push(`no tag of ours: ${/[<>].{0,40}/s.exec(rest)![0]}`);
  if (open.length > 0) findings.push(`left open: ${open.join(' ')}`);
  return findings;
}

function findingsInAttributes(element: string, text: string): string[] {
  const attributes = [...text.matchAll(/ ([a-z-]+)="([^"]*)"/g)];
  const wrong = attributes
    .filter(([, name, value]) => !ATTRIBUTES[name!]?.test(value!))
    .map(([, name, value]) => `${element} ${name}="${value}"`);
  const href = attributes.find(([, name]) => name === 'href')?.[2];
  const leads = href !== undefined && !href.startsWith('/');
  if (leads && !attributes.some(([, name]) => name === 'rel')) wrong.push(`a link outside without rel: ${href}`);
  return wrong;
}
