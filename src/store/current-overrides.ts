/** What operators have overridden, as every replica sees it. */
import { type Overrides, overridesOf } from '../core/rules/override.ts';
import type { Store } from './store.ts';

export async function currentOverrides(store: Pick<Store, 'setting'>): Promise<Overrides> {
  return overridesOf((await store.setting('overrides')).value);
}
