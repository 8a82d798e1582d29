/** What route steps are resolved with: one call, and the route set that decides it. */
import type { CallFacts } from '../machine/call.ts';
import type { RouteSet } from './rule.ts';
import type { AllowPattern } from './targets/allow.ts';
import type { ValueFor } from './texts/placeholder.ts';

/** What resolving needs in addition to the steps. */
export interface Resolving {
  set: RouteSet;
  allow: readonly AllowPattern[];
  facts: CallFacts;
  /** The values of this call's placeholders. */
  valueFor: ValueFor;
  /** The steps come from a handler, so no destination in them is trusted. */
  handlerMade: boolean;
  /** The language of the rule's callers. */
  language?: string | null;
  /**
   * For no particular call: placeholders are assumed to have values, or not to. Undefined: the
   * facts decide.
   */
  assume?: 'usable' | 'unusable' | undefined;
}
