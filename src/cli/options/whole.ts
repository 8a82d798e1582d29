/** Parses whole numbers given as options. Number alone also accepts 1e2, 0x10 and spaces. */
import { InvalidArgumentError } from 'commander';

/** The most that the API lists at once. */
export const LIMIT_MAX = 500;

export const limitOf = wholeFrom(1, LIMIT_MAX);

export function wholeFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const whole = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (whole >= min && whole <= max) return whole;
    throw new InvalidArgumentError(`A whole number from ${min} to ${max} is expected.`);
  };
}
