/** Amounts of money as decimal text. They are added exactly, which floating point would not do. */

/**
 * More digits than any price has, and than a sum has that somebody made of floating-point numbers
 * ("0.30000000000000004"); limits what a stranger's amount can cost us.
 */
const DECIMAL = /^(-?)(\d{0,15})(?:\.(\d{1,30}))?$/;
const NUMBER_SCALE = 15;

/**
 * Text such as "0.0042", or a JSON number; null for everything else. The number of decimals is
 * kept.
 */
export function readDecimal(value: unknown): string | null {
  const text = typeof value === 'number' ? numberText(value) : value;
  if (typeof text !== 'string') return null;
  const [, sign = '', whole = '', fraction] = DECIMAL.exec(text.trim()) ?? [];
  if (whole === '' && fraction === undefined) return null;
  const digits = whole.replace(/^0+(?=\d)/, '') || '0';
  const isZero = /^0*$/.test(digits + (fraction ?? ''));
  return `${isZero ? '' : sign}${digits}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** The sum has as many decimals as the addend with more of them. */
export function addDecimals(a: string, b: string): string {
  const scale = Math.max(scaleOf(a), scaleOf(b));
  const sum = scaled(a, scale) + scaled(b, scale);
  const digits = String(sum < 0n ? -sum : sum).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${sum < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}

export function isNegative(amount: string): boolean {
  return amount.startsWith('-');
}

/** `String` writes small numbers with an exponent. */
function numberText(value: number): string {
  const text = String(value);
  return /^-?\d+e-\d+$|^-?\d\.\d+e-\d+$/.test(text)
    ? value.toFixed(NUMBER_SCALE).replace(/\.?0+$/, '')
    : text;
}

function scaleOf(amount: string): number {
  const point = amount.indexOf('.');
  return point === -1 ? 0 : amount.length - point - 1;
}

function scaled(amount: string, scale: number): bigint {
  return BigInt(amount.replace('.', '') + '0'.repeat(scale - scaleOf(amount)));
}
