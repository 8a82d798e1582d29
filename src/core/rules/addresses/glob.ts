/**
 * Patterns with `*` (any characters, or none) and `?` (exactly one). They are not regular
 * expressions, because a pattern such as `*a*a*a*b` must not take exponential time on a caller's
 * header. Segments between stars are matched greedily from left to right, so the cost is at most
 * pattern length times text length.
 */
export interface Glob {
  readonly text: string;
  /** The text before the first wildcard, by which the index finds the pattern. */
  readonly literalPrefix: string;
  matches(text: string): boolean;
}

export function isGlob(text: string): boolean {
  return text.includes('*') || text.includes('?');
}

export function compileGlob(text: string): Glob {
  const segments = text.split('*');
  const first = segments[0] ?? '';
  const wildcard = text.search(/[*?]/);
  const literalPrefix = wildcard < 0 ? text : text.slice(0, wildcard);
  if (segments.length === 1) {
    const matches = (subject: string) => subject.length === first.length && fits(first, subject, 0);
    return { text, literalPrefix, matches };
  }
  const last = segments.at(-1) ?? '';
  const middle = segments.slice(1, -1).filter((segment) => segment !== '');
  return {
    text,
    literalPrefix,
    matches(subject) {
      if (subject.length < first.length + last.length) return false;
      if (!fits(first, subject, 0)) return false;
      const end = subject.length - last.length;
      if (!fits(last, subject, end)) return false;
      let from = first.length;
      for (const segment of middle) {
        const at = find(segment, subject, from, end);
        if (at < 0) return false;
        from = at + segment.length;
      }
      return true;
    },
  };
}

function fits(segment: string, subject: string, at: number): boolean {
  if (!segment.includes('?')) return subject.startsWith(segment, at);
  for (let i = 0; i < segment.length; i += 1) {
    if (segment[i] !== '?' && segment[i] !== subject[at + i]) return false;
  }
  return true;
}

function find(segment: string, subject: string, from: number, end: number): number {
  for (let at = from; at + segment.length <= end; at += 1) {
    if (fits(segment, subject, at)) return at;
  }
  return -1;
}
