/** The texts of a filter as they are kept, so that a filter finds the same in every store. */

import { clean } from '../../core/clean-text.ts';
import type { CallFilter } from '../contract/list.ts';

const TEXTS = ['rule', 'target', 'number', 'from', 'to', 'sessionId', 'parentId'] as const;

export function storedForm(filter: CallFilter): CallFilter {
  const kept = { ...filter };
  for (const name of TEXTS) {
    const text = filter[name];
    if (text !== undefined) kept[name] = clean(text);
  }
  const { q } = filter;
  if (q !== undefined) kept.q = { text: clean(q.text), numbers: q.numbers.map(clean) };
  return kept;
}
