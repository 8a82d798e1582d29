/** The route sets that were live: list, files, comparison, and rollback to one of them. */
import { iso } from '../../../core/iso-time.ts';
import type { LiveRoutes } from '../../../engine/live-routes.ts';
import type { ActivationResult } from '../../../engine/routes/activation.ts';
import { readKept } from '../../../engine/routes/kept-files.ts';
import { problemsText } from '../../../routing/problem.ts';
import type { RouteVersion } from '../../../store/contract/route-versions.ts';
import type { Store } from '../../../store/store.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import { ADMIN, VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { type Audit, operatorOf } from '../audit.ts';
import { JSON_OR_CSV, jsonOrCsv } from '../csv.ts';
import { ACT_BODY, PROBLEM } from '../schemas.ts';
import { RELOADED } from './routes-schemas.ts';
import { changedFiles, diffTexts, type Texts } from './version-diff.ts';
import {
  VERSION_DETAIL,
  VERSION_PARAMS,
  VERSION_QUERY,
  VERSIONS,
  VERSIONS_QUERY,
  versionsCsv,
} from './versions-schemas.ts';

export interface VersionsDeps {
  routes: LiveRoutes;
  store: Store;
  audit: Audit;
}

const LISTED = 50;

export function registerVersions(app: ApiScope, deps: VersionsDeps): void {
  const { routes, store } = deps;

  app.get(
    '/v1/routes/versions',
    { schema: LIST_SCHEMA, config: VIEWER },
    async (request, reply) => {
      const kept = await store.routeVersions(request.query.limit ?? LISTED);
      const versions = kept.map((version) => ({
        ...versionJson(version, routes),
        files: version.files.map(({ name }) => name),
      }));
      return jsonOrCsv(request, reply, { versions }, versionsCsv);
    },
  );

  app.get(
    '/v1/routes/versions/:hash',
    { schema: DETAIL_SCHEMA, config: VIEWER },
    async (request, reply) => {
      const { hash } = request.params;
      const { against } = request.query;
      const version = await store.routeVersion(hash);
      if (version === null) return sendProblem(reply, noSuchVersion(hash));
      const other = against === undefined ? null : await store.routeVersion(against);
      if (against !== undefined && other === null)
        return sendProblem(reply, noSuchVersion(against));
      const texts = await readTexts(store, version, null);
      const answer = { ...versionJson(version, routes), ...texts };
      if (other === null) return answer;
      const changed = changedFiles(other, version);
      const before = await readTexts(store, other, changed);
      const files = diffTexts(changed, before, texts);
      return { ...answer, differs: { against: other.hash, files } };
    },
  );

  app.post(
    '/v1/routes/versions/:hash/activate',
    { schema: ACTIVATE_SCHEMA, config: { ...ADMIN, action: 'activate' } },
    async (request, reply) => {
      const { hash } = request.params;
      const result = await deps.audit.record(
        request,
        { to: hash },
        () => routes.activate(hash, operatorOf(request)),
        (came) => ({ result: came.ok ? 'ok' : refusalOf(came, hash).reason }),
      );
      if (result.ok) {
        const { changed, warnings } = result;
        return { ok: true as const, hash, changed, warnings };
      }
      return sendProblem(reply, refusalOf(result, hash));
    },
  );
}

function refusalOf(result: Extract<ActivationResult, { ok: false }>, hash: string) {
  if ('problems' in result) {
    return {
      status: 422,
      reason: 'routes_refused',
      detail: `The version ${hash.slice(0, 12)} is no longer valid (${problemsText(result.problems)}, such as a secret that is no longer set); the set ${result.hash.slice(0, 12)} stays live.`,
      problems: result.problems,
      hash: result.hash,
    };
  }
  if (result.why === 'no_such_version') return noSuchVersion(hash);
  const names = result.missing.map(({ name, bytes }) => `${name} (${bytes} bytes)`).join(', ');
  return {
    status: 409,
    reason: 'version_incomplete',
    detail: `The version ${hash.slice(0, 12)} cannot be made live: these files were not kept: ${names}. Put its files back into the routes folder and reload.`,
  };
}

function noSuchVersion(hash: string) {
  return {
    status: 404,
    reason: 'no_such_version',
    detail: `No route set ${hash} is kept; GET /v1/routes/versions lists those that are.`,
  };
}

function versionJson(version: RouteVersion, routes: Pick<LiveRoutes, 'current'>) {
  const { hash, role, who, at, until, commit } = version;
  return {
    hash,
    role,
    who,
    when: iso(at),
    until: iso(until),
    commit,
    live: hash === routes.current().hash,
  };
}

/** The texts of all files, or of some. The answer's size is bounded. */
async function readTexts(
  store: Store,
  version: RouteVersion,
  only: ReadonlySet<string> | null,
): Promise<Texts> {
  const files: [string, string][] = [];
  const omitted: Texts['omitted'] = [];
  let shown = 0;
  for (const file of version.files) {
    const { name, bytes, parts } = file;
    if (only !== null && !only.has(name)) continue;
    const leave = (why: string) => omitted.push({ name, bytes, why });
    if (parts === null) leave('it was too large to be kept');
    else if (bytes > HTTP_LIMITS.versionFileBytes || shown + bytes > HTTP_LIMITS.versionBytes) {
      leave('it is too large to be shown');
    } else {
      const content = await readKept(store, file);
      const text = content === null ? null : textOf(content);
      if (content === null) leave('its content is missing from the store');
      else if (text === null) leave('it is not UTF-8 text');
      else {
        shown += bytes;
        files.push([name, text]);
      }
    }
  }
  return { files: Object.fromEntries(files), omitted };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

const LIST_SCHEMA = {
  tags: ['routes'],
  summary: 'The route sets that were live, the newest first',
  produces: JSON_OR_CSV,
  querystring: VERSIONS_QUERY,
  response: { 200: VERSIONS, 400: PROBLEM },
} as const;

const DETAIL_SCHEMA = {
  tags: ['routes'],
  summary: 'The files of a route set that was live, and what differs from another one',
  params: VERSION_PARAMS,
  querystring: VERSION_QUERY,
  response: { 200: VERSION_DETAIL, 400: PROBLEM, 404: PROBLEM },
} as const;

const ACTIVATE_SCHEMA = {
  tags: ['routes'],
  summary: 'Go back: make a version live in every replica until the next reload or restart',
  params: VERSION_PARAMS,
  body: ACT_BODY,
  response: { 200: RELOADED, 400: PROBLEM, 404: PROBLEM, 409: PROBLEM, 422: PROBLEM },
} as const;
