// Markdown in Bitbucket's dialect: what comes out, and that nothing else can come out whatever goes in.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mentionedIn } from '../../src/projects/markdown-dialect.ts';
import type { TextContext } from '../../src/projects/markdown.ts';
import { MAX_MARKDOWN_LENGTH, renderMarkdown } from '../../src/projects/markdown.ts';
import { cpuMs } from '../support/cpu.ts';
import { HOSTILE_TEXTS } from './hostile-texts.ts';
import { findingsIn } from './html-oracle.ts';

const PICTURE = 'https://bitbucket.org/repo/BgzgjpR/images/461711928-image.png';

const context: TextContext = {
  address: 'https://bitbucket.org/acme/demo/pull-requests/1',
  page: (link) => (link.endsWith('/pull-requests/7') ? '/projects/root/demo/pull_requests/7' : undefined),
  attachment: (address) =>
    address === PICTURE ? { href: '/projects/root/demo/attachments/1', isImage: true } : undefined,
  nameOf: (id) => ({ '557058:a11ce': 'Alice <b>', bob: 'Bob' })[id],
  topHeading: 3,
};

const render = (text: string) => renderMarkdown(text, context).trim();

describe('Bitbucket’s dialect', () => {
  test.each([
    [
      'a mention is the person’s name, escaped',
      'Hi @{557058:a11ce}!',
      '<p>Hi <span class="mention">@Alice &lt;b&gt;</span>!</p>',
    ],
    ['somebody unknown is a former user', '@{nobody}', '<p><span class="mention">@former user</span></p>'],
    ['in code nothing is a mention', '`@{bob}`', '<p><code>@{bob}</code></p>'],
    [
      'a smart link is a link',
      "[https://x.test/a](https://x.test/a){: data-inline-card='' } ok",
      '<p><a href="https://x.test/a" rel="nofollow noopener noreferrer">https://x.test/a</a> ok</p>',
    ],
    ['what only looks like one stays', "x {: data-inline-card='' }", "<p>x {: data-inline-card='' }</p>"],
    [
      'an image that was imported is shown from here',
      `![A *graph*](${PICTURE})`,
      '<p><img src="/projects/root/demo/attachments/1" alt="A graph" loading="lazy"></p>',
    ],
    [
      'any other image is a link to where it is',
      '![logo](https://evil.test/p.gif)',
      '<p><a href="https://evil.test/p.gif" rel="nofollow noopener noreferrer">logo</a></p>',
    ],
    [
      'an image in a link does not nest links',
      '[![build](https://ci.test/b.svg)](https://ci.test/)',
      '<p><a href="https://ci.test/" rel="nofollow noopener noreferrer">build</a></p>',
    ],
    [
      'a pull request of the same project is here',
      '[that](https://bitbucket.org/acme/demo/pull-requests/7)',
      '<p><a href="/projects/root/demo/pull_requests/7">that</a></p>',
    ],
    [
      'a relative link starts where the text was written',
      '[x](/acme/other)',
      '<p><a href="https://bitbucket.org/acme/other" rel="nofollow noopener noreferrer">x</a></p>',
    ],
    [
      'an address in a text is a link, a bare domain is none',
      'see https://x.test/ and x.test',
      '<p>see <a href="https://x.test/" rel="nofollow noopener noreferrer">https://x.test/</a> and x.test</p>',
    ],
    ['headings stay below those of the page', '# Top\n\n##### Low', '<h3>Top</h3>\n<h6>Low</h6>'],
    [
      'line ends of Windows are line ends',
      '* a\r\n\r\n* b',
      '<ul>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n</ul>',
    ],
    ['code is shown as it is', '```js\n<b>&\n```', '<pre tabindex="0"><code>&lt;b&gt;&amp;\n</code></pre>'],
  ])('%s', (_title, text, html) => expect(render(text)).toBe(html));

  test('a table wider than the page scrolls by itself', () => {
    const html = render('| a | b |\n|---|---|\n| 1 | 2 |');
    expect(html).toMatch(/^<div class="table-frame" tabindex="0" role="region" aria-label="Table"><table>/);
    expect(html).toMatch(/<\/table><\/div>$/);
  });

  test('columns are aligned without a style, which the policy would stop', () => {
    const html = render('| a | b | c |\n|:--|--:|:-:|\n| 1 | 2 | 3 |');
    expect(html.match(/<t[hd][^>]*>./g)).toEqual([
      ...['<th class="align-left">a', '<th class="align-right">b', '<th class="align-center">c'],
      ...['<td class="align-left">1', '<td class="align-right">2', '<td class="align-center">3'],
    ]);
    expect(findingsIn(html)).toEqual([]);
  });

  test('mentions are found in all texts at once, as account ids and as uuids', () => {
    expect(mentionedIn(['@{bob} and @{557058:a11ce}', 'again @{bob}', '@{}', '@{x y}', '@bob'])).toEqual([
      'bob',
      '{bob}',
      '557058:a11ce',
      '{557058:a11ce}',
    ]);
  });
});

describe('hostile texts (IM-032)', () => {
  test.each(Object.entries(HOSTILE_TEXTS))('%s makes nothing but text and plain links', (_title, text) => {
    expect(findingsIn(render(text))).toEqual([]);
  });

  test('the oracle sees what would be wrong', () => {
    const wrong = [
      '<script>1</script>',
      '<p onclick="x">x</p>',
      '<a href="javascript:1">x</a>',
      '<a href="//evil.test">x</a>',
      '<img src="https://evil.test/x.gif">',
      '<p style="x">x</p>',
      '<p id="main">x</p>',
      '<p>x',
      '<a href="https://x.test" target="_blank">x</a>',
    ];
    expect(wrong.filter((html) => findingsIn(html).length === 0)).toEqual([]);
  });

  interface Case {
    id: string;
    markdown?: string;
    generator?: { unit: string; count: number };
  }
  const corpora = process.env['SECURITY_CORPORA'];
  if (corpora === undefined)
    process.stdout.write('Left out: the shared corpus of Markdown (SECURITY_CORPORA names no folder)\n');
  (corpora === undefined ? test.skip : test)('the shared corpus leaves nothing behind', () => {
    const file = readFileSync(join(corpora!, 'xss_markdown_shared.json'), 'utf8');
    const { cases } = JSON.parse(file) as { cases: Case[] };
    const found = cases.flatMap(({ id, markdown, generator }) => {
      const text = markdown ?? generator!.unit.repeat(generator!.count);
      const busy = cpuMs();
      const findings = findingsIn(render(text));
      if (cpuMs() - busy > 2000) findings.push('takes long');
      return findings.map((finding) => `${id} ${finding}`);
    });
    expect(found).toEqual([]);
    expect(cases.length).toBeGreaterThan(0);
  });
});

describe('texts that want to take long (IM-034)', () => {
  const LONG = MAX_MARKDOWN_LENGTH;
  test.each([
    ['images', '![a](b)'.repeat(LONG / 7)],
    ['open brackets', '['.repeat(LONG)],
    ['open links', '[a]('.repeat(LONG / 4)],
    ['quotes in quotes', '>'.repeat(LONG)],
    ['emphasis', '*a _b '.repeat(LONG / 6)],
    ['backticks of growing length', Array.from({ length: 400 }, (_, n) => '`'.repeat(n)).join(' ')],
    [
      'lists in lists',
      Array.from({ length: 400 }, (_, n) => `${' '.repeat(n * 2)}- x`)
        .join('\n')
        .slice(0, LONG),
    ],
    ['a wide table', `${'|a'.repeat(5000)}|\n${'|-'.repeat(5000)}|\n${'|a'.repeat(5000)}|`],
    ['entities', '&amp'.repeat(LONG / 4)],
    ['mentions', '@{'.repeat(LONG / 2)],
    ['smart links', '(){:'.repeat(LONG / 4)],
    ['addresses', 'http://'.repeat(LONG / 7)],
  ])('%s are through in two seconds', (_title, text) => {
    const busy = cpuMs();
    render(text.slice(0, LONG));
    expect(cpuMs() - busy).toBeLessThan(2000);
  });

  test('what is longer is shown as it stands', () => {
    const html = render(`**${'x'.repeat(LONG)}** <b>`);
    expect(html).toMatch(/^<pre class="plain-text" tabindex="0">\*\*x+\*\* &lt;b&gt;<\/pre>$/);
  });
});
