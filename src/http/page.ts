/**
 * The operator's page: an HTML file without data, and its modules and style sheets. Each file is an
 * endpoint of its own; @fastify/static adds types, ETags and conditional requests. The libraries
 * are served directly from their packages, without a build.
 *
 * The content security policy only allows our own files and no inline script or style. So a name or
 * header written by a caller could not run even if it were put into the page unescaped.
 */
import { readdirSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import files from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const OWN = fileURLToPath(new URL('../page/', import.meta.url));
const ASSET = /^([a-z][a-z-]*\/)?[a-z][a-z-]*\.(js|css|svg)$/;

/**
 * lit-html renders (7 KB, escapes every value), eventsource-parser reads events.
 */
const PACKAGES: Record<string, string[]> = {
  'lit-html': ['lit-html.js', 'directive.js', 'directive-helpers.js', 'directives/repeat.js'],
  'eventsource-parser': ['dist/index.js', 'dist/parse.js', 'dist/errors.js'],
};

export function registerPage(scope: FastifyInstance): void {
  scope.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        // Markup only comes from lit-html's templates, never from other strings.
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ['lit-html'],
      },
    },
    // These three only work with https, where the proxy in front sets them; on plain http, browsers
    // warn about them and ignore them.
    hsts: false,
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  scope.register(files, { root: OWN, serve: false, cacheControl: false });

  const serve = (url: string, name: string, root: string) => {
    scope.get(url, { schema: { hide: true } }, (_request, reply) => {
      // Revalidated each time (304), so that a new release shows at once on every replica.
      reply.header('cache-control', 'no-cache');
      return reply.sendFile(name, root);
    });
  };
  serve('/', 'index.html', OWN);
  for (const name of readdirSync(OWN, { recursive: true, encoding: 'utf8' })) {
    if (ASSET.test(name)) serve(`/assets/page/${name}`, name, OWN);
  }
  for (const [name, paths] of Object.entries(PACKAGES)) {
    const root = packageRoot(name);
    for (const path of paths) serve(`/assets/${name}/${path}`, path, root);
  }
}

function packageRoot(name: string): string {
  const found = findPackageJSON(name, import.meta.url);
  if (found === undefined) {
    throw new Error(
      `The package ${name}, which the page is made of, is not installed: run npm ci.`,
    );
  }
  return join(dirname(found), '/');
}
