/**
 * Characters that word processors, spreadsheets and address books substitute: the dash in
 * `mon–fri`, a no-break space in a number, direction marks around it. They look right but match
 * nothing.
 */

/**
 * Grouped by the character that is meant; '' for those that are invisible: direction marks, joiners
 * and the soft hyphen.
 */
const SPACES = '\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000';
const INVISIBLE = '\\u00ad\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u2069\\ufeff';
const MEANT: [meant: string, characters: RegExp][] = [
  ['-', /[\u2010-\u2015\u2212\ufe58\ufe63]/g],
  [' ', new RegExp(`[${SPACES}]`, 'g')],
  ['', new RegExp(`[${INVISIBLE}]`, 'g')],
  ['"', /[\u201c-\u201f]/g],
  ["'", /[\u2018-\u201b]/g],
  [':', /\u2236/g],
];
const FULL_WIDTH = /[\uff01-\uff5e]/g;
const ANY = new RegExp(
  [...MEANT.map(([, characters]) => characters.source), FULL_WIDTH.source].join('|'),
);

/** The text with look-alikes replaced by the characters that are meant. */
export function inAscii(text: string): string {
  if (!ANY.test(text)) return text;
  let meant = text;
  for (const [ascii, characters] of MEANT) meant = meant.replace(characters, ascii);
  return meant.replace(FULL_WIDTH, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));
}

/** `an en dash (U+2013)`: the first such character of a text; null if there is none. */
export function lookAlike(text: string): string | null {
  const character = ANY.exec(text)?.[0];
  if (character === undefined) return null;
  const code = character.charCodeAt(0);
  const hex = code.toString(16).toUpperCase().padStart(4, '0');
  return `${NAMES[code] ?? kindOf(character)} (U+${hex})`;
}

/** Something that looks like a space where YAML's structure needs one. */
const IN_PLACE_OF_SPACE = new RegExp(
  `(?<after>^[ ]*|^[ ]*-[ ]*|[\\w-]+:[ ]*)(?<odd>[${SPACES}${INVISIBLE}])`,
);

/**
 * The hint for a line of a file in which such a character stands after a key, after a dash or in
 * the indentation: for YAML it is a letter. Null if there is none.
 */
export function oddSpaceHint(line: string): string | null {
  const found = IN_PLACE_OF_SPACE.exec(line)?.groups;
  if (found === undefined) return null;
  const after = found.after?.trim() ?? '';
  const where = after === '' ? 'at the beginning of the line' : `after "${after}"`;
  return `there is ${lookAlike(found.odd ?? '')} ${where}: write an ordinary space there`;
}

const NAMES: Record<number, string> = {
  160: 'a no-break space',
  173: 'a soft hyphen',
  8203: 'a zero-width space',
  8209: 'a no-break hyphen',
  8211: 'an en dash',
  8212: 'an em dash',
  8239: 'a narrow no-break space',
  8722: 'a minus sign',
  65279: 'a byte order mark',
};

function kindOf(character: string): string {
  const meant = inAscii(character);
  if (meant === '') return 'an invisible character';
  if (meant === ' ') return 'an unusual space';
  return meant === '-' ? 'an unusual dash' : `a character that looks like ${meant}`;
}
