/** Bounds the number of label values that an outsider or an operator can choose freely. */

export const LABEL_VALUES_MAX = 200;
const LABEL_CHARS_MAX = 120;

/** The first `max` values keep their names; every later one is `other`. */
export function boundedLabel(max = LABEL_VALUES_MAX): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= max || value.length > LABEL_CHARS_MAX) return 'other';
    known.add(value);
    return value;
  };
}
