/** What route steps are resolved with: one call, and the set that it meets. */
import type { CallFacts } from '../machine/call.ts';
import type { AllowPattern } from './allow.ts';
import type { ValueFor } from './placeholder.ts';
import type { RouteSet } from './rule.ts';

/** What resolving needs in addition to the steps. */
export interface Resolving {
  set: RouteSet;
  allow: readonly AllowPattern[];
  facts: CallFacts;
  /** What the placeholders of this call stand for. */
  valueFor: ValueFor;
  /** The steps come from a handler, so no destination in them is trusted. */
  handlerMade: boolean;
  /** What the callers of the rule speak. */
  language?: string | null;
  /**
   * Of no certain call: what depends on its placeholders works out for it, or does not. Undefined looks at
   * the facts.
   */
  assume?: 'usable' | 'unusable' | undefined;
}
