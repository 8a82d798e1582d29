/**
 * Loops: a destination equal to the number or address that was called. The caller would come in
 * again as a new call and be moved again, billed each time.
 */
import { type Address, readAddress } from '../addresses/address.ts';
import { isE164 } from '../addresses/sip-uri.ts';

/** Why a step is not executed; the log has a separate event for it. */
const REASON = 'loop: ';

export function loopReason(destination: string, called: string | null): string | null {
  if (!leadsBack(destination, readAddress(called))) return null;
  return `${REASON}${destination} is the number that was called, and the call would come back`;
}

export function isLoopReason(reason: string | null): boolean {
  return reason?.startsWith(REASON) ?? false;
}

function leadsBack(destination: string, called: Address): boolean {
  const there = reachedAt(destination);
  if (there.number !== null) return there.number === called.number;
  return there.texts.some((text) => called.texts.includes(text));
}

/**
 * The address that a rule's `to` would see if a call to this destination came back. The number in a
 * SIP URI counts only if the host is Telnyx, which sends the call to the owner of the number. For
 * other hosts, "sip:+14155550100@pbx.example.com" is the usual way to pass the dialled number to a
 * PBX.
 */
export function reachedAt(destination: string): Address {
  const address = readAddress(destination);
  const [text] = address.texts;
  if (text === undefined) return address;
  const host = text.slice(text.lastIndexOf('@') + 1);
  if (!TELNYX_HOST.test(host)) return { ...address, number: null };
  const plus = `+${address.user ?? ''}`;
  return address.number === null && isE164(plus) ? { ...address, number: plus } : address;
}

const TELNYX_HOST = /(?:^|\.)telnyx\.com$/;
