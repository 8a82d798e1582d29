/** The names in the live routes, for people to choose from. */
import { getJson } from '../server/api.js';

/**
 * @typedef {{ rules: string[], targets: string[] }} RouteNames
 *
 * @returns {Promise<RouteNames | null>} null if they could not be read
 */
export async function readNames() {
  const routes = await getJson('/v1/routes').catch(() => null);
  if (routes === null) return null;
  return {
    rules: routes.rules.map(({ name }) => name),
    targets: routes.targets.map(({ name }) => name),
  };
}
