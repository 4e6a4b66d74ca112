// What a browser calls itself, in words a person recognises: "Firefox on Windows". Only for show; nothing is decided by it.

/** In this order: nearly everybody claims to be Mozilla, and most of them Chrome or Safari as well. */
const PROGRAMS: [RegExp, string][] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Headless)?(Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/ Safari\//, 'Safari'],
  [/\bMSIE |\bTrident\//, 'Internet Explorer'],
];

/** Android says Linux, too, and an iPhone says Mac OS X. */
const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
];

/** `curl/8.5.0`, `python-requests/2.32`: what scripts begin with. */
const SCRIPT = /^([A-Za-z][\w.+-]{0,29})(\/|$)/;

/** @param agent the header User-Agent as it was sent, which is whatever a stranger likes */
export function describeAgent(agent: string | null): string {
  if (agent === null || agent === '') return 'Unknown device';
  const system = nameIn(SYSTEMS, agent);
  const program = nameIn(PROGRAMS, agent) ?? scriptIn(agent) ?? (system ? 'Unknown browser' : undefined);
  if (program === undefined) return 'Unknown device';
  return system === undefined ? program : `${program} on ${system}`;
}

function nameIn(names: [RegExp, string][], agent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(agent))?.[1];
}

function scriptIn(agent: string): string | undefined {
  const name = SCRIPT.exec(agent)?.[1];
  return name === 'Mozilla' ? undefined : name;
}
