/** How many cells of a terminal a text takes: East Asian characters and emoji take two. */

const ASCII = /^[\x20-\x7e]*$/;
/** Added to the character before them, or shown as nothing. */
const NOTHING = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u;
/** https://www.unicode.org/reports/tr11/: W and F, without what Unicode has not assigned yet. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18aff}\u{1b000}-\u{1b2fb}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of characters.segment(text)) width += widthOfCharacter(segment);
  return width;
}

function widthOfCharacter(character: string): number {
  if (NOTHING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Shortens the text to at most `width` cells. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let left = width - 1;
  for (const { segment } of characters.segment(text)) {
    left -= widthOfCharacter(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Shortened or filled up with spaces to exactly `width` cells. */
export function padded(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const kept = cut(text, width);
  const spaces = ' '.repeat(Math.max(0, width - widthOf(kept)));
  return align === 'left' ? kept + spaces : spaces + kept;
}
