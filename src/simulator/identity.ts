/** Ids in Telnyx's format, derived from a salt and a key, so that the same run has the same ids. */
import { createHash } from 'node:crypto';

/** 19 digits, above 2^53: a client that parses it as a number loses its last digits. */
export const CONNECTION_ID = '1684641123236054244';

export interface LegIds {
  callControlId: string;
  callLegId: string;
}

export function legIds(salt: string, callNumber: number, legIndex: number): LegIds {
  const key = `${salt}|leg|${callNumber}|${legIndex}`;
  return {
    // Seen in captures: "v3:" and base64url text, more than 60 characters.
    callControlId: `v3:${digest(key, 'control').toString('base64url')}${digest(key, 'tail').toString('base64url').slice(0, 20)}`,
    callLegId: versionOneUuid(key),
  };
}

export function sessionId(salt: string, callNumber: number): string {
  return versionOneUuid(`${salt}|session|${callNumber}`);
}

export function eventId(salt: string, ...key: (string | number)[]): string {
  return uuid(digest(`${salt}|event`, key.join('|')), 4);
}

function versionOneUuid(key: string): string {
  return uuid(digest(key, 'uuid'), 1);
}

function uuid(bytes: Buffer, version: 1 | 4): string {
  const hex = bytes.subarray(0, 16).toString('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${version}${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function digest(key: string, purpose: string): Buffer {
  return createHash('sha256').update(`${key}|${purpose}`).digest();
}
