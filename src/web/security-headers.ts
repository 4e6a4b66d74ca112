// Response headers that tell the browser what a page of ours may do.
import type { RequestHandler } from 'express';
import { isLoopback } from '../config/fields.ts';
import helmet from 'helmet';
import type { Config, ProviderConfig } from '../config/schema.ts';
import type { Site } from './site.ts';

/** The headers depend on the configuration only, so they are made once for each. */
export function securityHeaders(site: Site, config: () => Config): RequestHandler {
  let made: { of: Config; set: RequestHandler } | undefined;
  return (req, res, next) => {
    const current = config();
    if (made?.of !== current) made = { of: current, set: headersOf(site, current) };
    made.set(req, res, next);
  };
}

function headersOf(site: Site, { omniauth }: Config): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        // Chromium checks form-action at every hop after the click: Bitbucket, then Atlassian's or a company's own
        // sign-in host. Those hosts cannot be known, so: any https address, and stand-ins on this machine.
        formAction: ["'self'", 'https:', ...loopbackProviders(omniauth.providers)],
      },
    },
    // `no-referrer` would make browsers send `Origin: null` with our own forms, which the CSRF check refuses.
    referrerPolicy: { policy: 'same-origin' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    strictTransportSecurity: site.https ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
    xPoweredBy: false,
  });
}

/** A stand-in's own sign-in page may live on another loopback port or name, as Atlassian's lives on another host. */
function loopbackProviders(providers: readonly ProviderConfig[]): string[] {
  const origins = providers
    .map((provider) => new URL(provider.url))
    .filter((url) => url.protocol === 'http:' && isLoopback(url.hostname))
    .map((url) => url.origin);
  return origins.length === 0 ? [] : [...new Set(origins), 'http://localhost:*', 'http://127.0.0.1:*'];
}
