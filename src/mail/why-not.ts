// Why a mail was not sent: a code, and a sentence of ours for whoever runs the server.

export interface WhyNot {
  /** Node's code (ECONNREFUSED, CERT_HAS_EXPIRED, …), else nodemailer's (EAUTH, ETLS, …). */
  reason: string;
  why: string;
  /** Of the mail server, where it has answered. */
  response_code?: number;
}

/** By the code, the first that fits. */
const SENTENCES: [RegExp, string][] = [
  [
    /CERT|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|CA_MD_TOO_WEAK|KEY_TOO_SMALL/,
    'the certificate of the mail server is not trusted, so nothing was given to it; NODE_EXTRA_CA_CERTS names an authority of your own',
  ],
  [/TLS|SSL/, 'the mail server does not encrypt (STARTTLS), so nothing was given to it'],
  [/^EAUTH$/, 'the mail server does not take the user and password of smtp.url'],
  [/^(EENVELOPE|EMESSAGE)$/, 'the mail server refuses this mail'],
  [/TIMEDOUT/, 'the mail server did not answer in time'],
  [/./, 'the mail server cannot be reached'],
];

/** Neither the whole error nor its words: they quote addresses, and what was said to the server. */
export function whyNot(error: unknown): WhyNot {
  const { code, originalCode, responseCode } = error as Partial<Record<string, unknown>>;
  // nodemailer puts its own code (ESOCKET) in the place of the one that says what happened.
  const reason = wordOf(originalCode) ?? wordOf(code) ?? 'unknown';
  const why = SENTENCES.find(([codes]) => codes.test(reason))?.[1] ?? '';
  return { reason, why, ...(typeof responseCode === 'number' ? { response_code: responseCode } : {}) };
}

function wordOf(code: unknown): string | undefined {
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : undefined;
}
