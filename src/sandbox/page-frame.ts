// The frame of every page the sandbox shows: head, the banner that says what this is, and one small stylesheet.
import { createHash } from 'node:crypto';
import type { Response } from 'express';
import { Html, html } from './html.ts';

const STYLE = `
:root { color-scheme: light dark; --text: #1c2330; --soft: #525c6e; --ground: #f4f5f7; --card: #fff; --line: #c3c9d4; --accent: #1d55b8; --on-accent: #fff; --note: #fff3cd; --on-note: #4d3800; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9ef; --soft: #aab3c2; --ground: #14181f; --card: #1d232d; --line: #465062; --accent: #8ab4ff; --on-accent: #10192b; --note: #3d3206; --on-note: #ffe9a3; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
header { padding: 0.75rem 1rem; background: var(--note); color: var(--on-note); text-align: center; }
header p { margin: 0; }
main { max-width: 30rem; margin: 2rem auto; padding: 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; overflow-wrap: anywhere; }
@media (max-width: 32rem) { main { margin: 0; border-width: 0 0 1px; border-radius: 0; } }
h1 { margin: 0 0 1rem; font-size: 1.375rem; line-height: 1.25; }
p, ul { margin: 0 0 1rem; }
ul { padding-left: 1.25rem; }
ul.people { padding: 0; list-style: none; }
ul.people li { padding: 0.75rem 0; border-top: 1px solid var(--line); }
.soft { margin: 0.25rem 0 0; color: var(--soft); }
a { color: var(--accent); }
button { width: 100%; min-height: 2.75rem; margin: 0.25rem 0; padding: 0.5rem 1rem; font: inherit; color: var(--text); background: transparent; border: 1px solid var(--soft); border-radius: 0.375rem; cursor: pointer; }
button.main { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

/** Made apart, because the hash counts every blank between the tags. */
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/**
 * Answers with a whole page. There is no form-action in the policy: browsers apply it to every hop after a form, and the
 * consent form ends at the callback of an application the sandbox cannot know.
 */
export function sendPage(response: Response, page: { status?: number; title: string; content: Html }): void {
  response
    .status(page.status ?? 200)
    .set({
      'Content-Security-Policy': `default-src 'none'; img-src data:; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'`,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
    })
    .type('html')
    .send(frame(page.title, page.content).text);
}

/** A page that only tells something. */
export function sendMessage(response: Response, status: number, title: string, text: string): void {
  sendPage(response, { status, title, content: html`<p>${text}</p>` });
}

function frame(title: string, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="data:," />
        <title>${title} · Bitbucket sandbox</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <header>
          <p><strong>Sandbox.</strong> This is not Bitbucket, only a stand-in for it on this computer.</p>
        </header>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html> `;
}
