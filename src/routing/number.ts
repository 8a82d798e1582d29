/** What may stand as a value of `from`, `to` or in a list; the core compares it, here it is only checked. */
export type NumberCheck =
  | { problem: string; hint: string }
  | { warning: string; hint: string }
  | null;

export function checkNumber(text: string): NumberCheck {
  if (text !== text.trim()) {
    return { problem: `${quoted(text)} begins or ends with a space`, hint: quoted(text.trim()) };
  }
  if (/\s/.test(text) && !text.startsWith('+')) {
    return {
      problem: `${quoted(text)} is not a number, SIP URI or pattern`,
      hint: 'one number an entry, such as "+14155550100"',
    };
  }
  if (text.startsWith('${') || text.includes('{')) {
    return {
      problem: `${quoted(text)} holds a template; patterns have none`,
      hint: 'use * and ? for what varies',
    };
  }
  if (text.startsWith('+')) return checkE164(text);
  if (/^(sips?|tel):/i.test(text) || text.includes('@')) return checkAddress(text);
  if (/[*?]/.test(text)) return checkGlob(text);
  if (/^[0-9().\s-]+$/.test(text)) {
    const digits = text.replace(/[^0-9]/g, '');
    if (digits.length < 7) return null;
    return {
      warning: `${quoted(text)} has no country code: it matches only a call that comes with exactly this text`,
      hint: `Telnyx sends numbers as E.164, such as "+${digits}"`,
    };
  }
  if (/^(anonymous|restricted|unavailable|unknown)$/i.test(text)) {
    return {
      problem: `${quoted(text)} stands for a withheld number`,
      hint: 'use anonymous: true, which knows all its forms',
    };
  }
  if (/^[A-Za-z0-9._~!$&'()+,;=%-]{1,128}$/.test(text)) {
    return {
      warning: `${quoted(text)} is no number: it matches only a call that comes with exactly this text`,
      hint: 'a SIP address is written sip:user@host',
    };
  }
  return {
    problem: `${quoted(text)} is not a number, SIP URI or pattern`,
    hint: 'for example "+14155550100", "+1415*" or "sip:*@pbx.example.com"',
  };
}

function checkE164(text: string): NumberCheck {
  const plain = text.replace(/[\s().-]/g, '');
  if (!/^\+[0-9*?]*$/.test(plain)) {
    return {
      problem: `${quoted(text)} is not an E.164 number or a pattern of one`,
      hint: 'a + and digits, such as "+14155550100" or "+1415*"',
    };
  }
  if (plain.startsWith('+0')) {
    return {
      problem: `${quoted(text)} begins with +0, and no country code does`,
      hint: 'write the country code after the +, without the national 0',
    };
  }
  const wildcards = /[*?]/.test(plain);
  const digits = plain.replace(/[^0-9?]/g, '').length;
  if (digits > 15)
    return { problem: `${quoted(text)} has ${digits} digits; E.164 has at most 15`, hint: '' };
  if (!wildcards && digits < 7) {
    return {
      problem: `${quoted(text)} has ${digits} digits, too few for a number`,
      hint: `a prefix ends in *: "${plain}*"`,
    };
  }
  return null;
}

function checkAddress(text: string): NumberCheck {
  const bare = text.replace(/^(sips?|tel):/i, '');
  const [user, host, more] = bare.split('@');
  if (more !== undefined) return { problem: `${quoted(text)} has more than one @`, hint: '' };
  if (/^tel:/i.test(text)) return checkE164(bare);
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
  if (!/^(\[[0-9A-Fa-f:.*?]+\]|[A-Za-z0-9.*?-]+)(:[0-9*?]{1,5})?$/.test(host)) {
    const where = /[;?&]/.test(host)
      ? 'parameters and headers are not compared'
      : 'a host name or address, with or without a port';
    return { problem: `${quoted(text)} is not user@host`, hint: where };
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
  if (/^[1-9][0-9]{3,}\*$/.test(text)) {
    return {
      warning: `${quoted(text)} has no +: it matches no number that Telnyx sends as E.164`,
      hint: `"+${text}"`,
    };
  }
  return null;
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
