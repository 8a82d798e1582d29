/** Checks values of `from`, `to` and lists. Matching them is the core's job. */
import {
  isWithheldName,
  WITHHELD_NUMBERS,
  withoutUserParameters,
} from '../../core/rules/addresses/address.ts';
import { inAscii, lookAlike } from '../look-alikes.ts';
import { hasTrunkPrefix, rightForm, withoutTrunkZero } from './e164.ts';
import { fromNational } from './national.ts';

type NumberProblem = { problem: string; hint: string };
type NumberCheck = { problem: string; hint: string } | { warning: string; hint: string } | null;

/** `country`: a number without a country code is read as national there, for the hint. */
export function checkNumber(text: string, country: string | null = null): NumberCheck {
  return checkNational(text, country) ?? checkWritten(text);
}

/** Only what no call can have: a number as it is dialled within a country. */
export function checkDialled(text: string, country: string | null): NumberProblem | null {
  return checkNational(text, country) ?? (SEPARATED.test(text) ? checkTrunkPrefix(text) : null);
}

function checkNational(text: string, country: string | null): NumberProblem | null {
  const meant = fromNational(text, country);
  return meant === null
    ? null
    : {
        problem: `${quoted(text)} is a number as dialled within ${country}: it would match no call`,
        hint: `write ${quoted(meant)}`,
      };
}

function checkTrunkPrefix(text: string): NumberProblem | null {
  if (!/\(0+\)/.test(text) && !hasTrunkPrefix(withoutSeparators(text))) return null;
  return {
    problem: `${quoted(text)} contains the trunk prefix that is only dialled within the country: it would match no call`,
    hint: writtenRight(text) || 'write the number as it is dialled from abroad',
  };
}

function withoutSeparators(text: string): string {
  return text.replace(/[\s().-]/g, '');
}

function checkWritten(text: string): NumberCheck {
  // Fast path for most entries of a long list.
  if (/^\+1[2-9][0-9]{9}$/.test(text)) return null;
  if (PLAIN.test(text)) return checkE164(text);
  if (text !== text.trim()) {
    const next = checkWritten(text.trim());
    const hint = next !== null && 'problem' in next ? next.hint : quoted(text.trim());
    return { problem: `${quoted(text)} begins or ends with a space`, hint };
  }
  if (isWithheldName(text)) {
    return {
      problem: `${quoted(text)} stands for a withheld number`,
      hint: 'use anonymous: true, which knows all its forms',
    };
  }
  const odd = lookAlike(text);
  // A no-break space between digits is treated like any other separator.
  if (odd !== null && !SEPARATED.test(text)) {
    return { problem: `${quoted(text)} contains ${odd}`, hint: writtenRight(text, inAscii(text)) };
  }
  if (/\s/.test(text) && !text.startsWith('+')) {
    return {
      problem: `${quoted(text)} is not a number, SIP URI or pattern`,
      hint:
        writtenRight(text, meantUri(text)) ||
        (NATIONAL.test(text)
          ? withCountryCode(text)
          : 'one number per entry, such as "+14155550100"'),
    };
  }
  if (text.includes('{')) {
    return {
      problem: `${quoted(text)} contains a placeholder, which a pattern cannot`,
      hint: 'use * and ? for what varies',
    };
  }
  if (text.startsWith('+')) return checkE164(text);
  if (/^(sips?|tel):/i.test(text) || text.includes('@')) return checkAddress(text);
  if (/[*?]/.test(text)) return checkGlob(text);
  if (NATIONAL.test(text)) return checkWithoutCode(text);
  if (/^[0-9][.,][0-9]+E\+[0-9]+$/i.test(text)) {
    return {
      problem: `${quoted(text)} is what a spreadsheet makes of a long number: digits are missing`,
      hint: 'format the column as text, and enter the numbers again',
    };
  }
  if (/^[A-Za-z0-9._~!$&'()+,;=%-]{1,128}$/.test(text)) {
    return {
      warning: `${quoted(text)} is not a number: it matches only calls with exactly this text`,
      hint: 'a SIP address is written sip:user@host',
    };
  }
  return {
    problem: `${quoted(text)} is not a number, SIP URI or pattern`,
    hint: 'for example "+14155550100", "+1415*" or "sip:*@pbx.example.com"',
  };
}

const NATIONAL = /^[0-9().\s/-]+$/;
const PLAIN = /^\+[0-9]+\*?$/;
/** `+`, digits, wildcards, and the separators of RFC 3966. */
const SEPARATED = /^\+[0-9\s().*?-]*$/;

function checkE164(text: string): NumberCheck {
  const plain = withoutSeparators(text);
  if (!SEPARATED.test(text)) {
    return {
      problem: `${quoted(text)} is not an E.164 number or a pattern of one`,
      hint: writtenRight(text) || 'a + and digits, such as "+14155550100" or "+1415*"',
    };
  }
  if (plain.startsWith('+0')) {
    return {
      problem: `${quoted(text)} begins with +0, and no country code does`,
      hint: writtenRight(text) || 'write the country code after the +, without the national 0',
    };
  }
  const wildcards = /[*?]/.test(plain);
  const digits = plain.replace(/[^0-9?]/g, '').length;
  if (digits > 15)
    return { problem: `${quoted(text)} has ${digits} digits; E.164 has at most 15`, hint: '' };
  const trunk = checkTrunkPrefix(text);
  if (trunk !== null) return trunk;
  if (wildcards) return checkPrefix(text, plain);
  if (digits < 7) {
    return {
      problem: `${quoted(text)} has ${digits === 1 ? 'one digit' : `${digits} digits`}, too few for a number`,
      hint: `a prefix ends in *: "${plain}*"`,
    };
  }
  if (WITHHELD_NUMBERS.has(plain)) {
    return {
      warning: `${quoted(text)} is one of several numbers that stand for a withheld one`,
      hint: 'use anonymous: true, which knows all its forms',
    };
  }
  // The only numbering plan in which all numbers have the same length for good.
  if (plain.startsWith('+1') && digits !== 11) {
    return {
      warning: `${quoted(text)} has ${digits - 1} digits after +1, where every number has 10: it would match no call`,
      hint: digits < 11 ? `a prefix ends in *: "${plain}*"` : '',
    };
  }
  return null;
}

function checkPrefix(text: string, plain: string): NumberCheck {
  const without = withoutTrunkZero(plain);
  if (without === null) return null;
  return {
    warning: `${quoted(text)} continues with a 0 that is only dialled within the country: it would match no call`,
    hint: `write ${quoted(without)}`,
  };
}

/**
 * The country is not known: "4155550100" with a + would be a Swiss number. Only 00 is followed by a
 * country code.
 */
function checkWithoutCode(text: string): NumberCheck {
  const digits = text.replace(/[^0-9]/g, '');
  if (digits.length < 7) return null;
  const meant = digits.startsWith('00') ? writtenRight(text) : '';
  return {
    warning: `${quoted(text)} has no + and country code: it matches only calls with exactly this text`,
    hint: meant || `Telnyx sends numbers as E.164: ${withCountryCode(text)}`,
  };
}

/** The hint for a number without a country code, which is never guessed. */
export function withCountryCode(text: string): string {
  const national = text.startsWith('0') ? ', without the national 0' : '';
  return `write + and the country code before it${national}`;
}

function checkAddress(text: string): NumberCheck {
  const bare = text.replace(/^(sips?|tel):/i, '');
  if (/^tel:/i.test(text)) {
    const check = checkE164(bare.startsWith('+') ? bare : text);
    if (check !== null || text.startsWith('tel:')) return check;
    return {
      problem: `${quoted(text)} is not a valid form of a number`,
      hint: writtenRight(text, bare),
    };
  }
  const meant = meantUri(text);
  if (meant !== null) {
    return { problem: `${quoted(text)} is not user@host`, hint: writtenRight(text, meant) };
  }
  const [user, host, more] = bare.split('@');
  if (more !== undefined) return { problem: `${quoted(text)} has more than one @`, hint: '' };
  if (host === undefined) {
    return {
      problem: `${quoted(text)} has no host`,
      hint: 'a SIP address is written sip:user@host',
    };
  }
  if (user === '')
    return {
      problem: `${quoted(text)} has nothing before the @`,
      hint: 'any user is *, as in "sip:*@pbx.example.com"',
    };
  const plain = withoutUserParameters(text) ?? text;
  if (plain !== text) {
    return {
      problem: `${quoted(text)}: parameters of a number are not compared`,
      hint: writtenRight(text, plain),
    };
  }
  if (!/^(\[[0-9A-Fa-f:.*?]+\]|[A-Za-z0-9.*?-]+)(:[0-9*?]{1,5})?$/.test(host)) {
    const cut = /^([^;?&]*)[;?&]/.exec(host);
    const hint =
      cut === null
        ? 'a host name or address, with or without a port'
        : `parameters and headers are not compared: ${writtenRight(text, text.slice(0, text.lastIndexOf('@') + 1) + cut[1])}`;
    return { problem: `${quoted(text)} is not user@host`, hint: hint.replace(/: $/, '') };
  }
  return null;
}

function checkGlob(text: string): NumberCheck {
  if (!/^[A-Za-z0-9._~!$&'()+,;=%*?-]{1,256}$/.test(text)) {
    return {
      problem: `${quoted(text)} is not a pattern of numbers or SIP users`,
      hint: 'for example "+1415*" or "sip:*@pbx.example.com"',
    };
  }
  if (/^[0-9]{4,}\*$/.test(text)) {
    return {
      warning: `${quoted(text)} has no +: it matches no number that Telnyx sends as E.164`,
      hint: withCountryCode(text),
    };
  }
  return null;
}

/**
 * `write "+442079460958"`: the number that is meant, else the candidate. Empty if the suggestion
 * would be refused too.
 */
function writtenRight(text: string, candidate: string | null = null): string {
  const right = [rightForm(text), candidate].find(
    (form) => form !== null && form !== text && checkWritten(form) === null,
  );
  return right === undefined || right === null ? '' : `write ${quoted(right)}`;
}

/**
 * The URI in `sip:<sip:ada@host>`, `"Ada" <sip:ada@host>` or `sip://ada@host`; null for any other
 * form.
 */
export function meantUri(text: string): string | null {
  const start = Math.max(
    text.toLowerCase().lastIndexOf('sip:'),
    text.toLowerCase().lastIndexOf('sips:'),
  );
  if (start < 0) return null;
  const [written = ''] = text.slice(start).split(/[<>"\s]/);
  // A space within the URI: what stands before it is only its beginning.
  if (/@|^\s+\./.test(text.slice(start + written.length))) return null;
  const inner = written.replace(/^(sips?:)\/+/i, '$1');
  return inner === text || inner.length < 'sip:a'.length ? null : inner;
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
