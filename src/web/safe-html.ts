// HTML that may stand in a page as it is. Views print such values with `<%-`, and only those: their names end in Html.

declare const safe: unique symbol;

/** Made by code that escapes whatever comes from outside. */
export type SafeHtml = string & { readonly [safe]: true };

/** To be called where the HTML is made, by whoever can answer for each piece of it. */
export function safeHtml(html: string): SafeHtml {
  return html as SafeHtml;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For text and for attributes in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
