/**
 * Ids that a replay, a restart or another replica makes alike: of commands (UUIDv5, RFC 9562 section
 * 5.5), and of the events that are our own.
 */
import { hash } from 'node:crypto';

/** Fixed for ever: another namespace would send commands again that Telnyx has executed already. */
const NAMESPACE = '7b0c5c3e-5f0e-4e0b-9b1c-2d5f6b8f4a11';

/** The `index`th command that follows from this event of this call. */
export function commandId(
  callId: string,
  eventType: string,
  eventId: string,
  index: number,
): string {
  // JSON keeps the parts apart whatever they hold: no two different lists share a text.
  return uuidV5(JSON.stringify([callId, eventType, eventId, index]));
}

/** `tries` is the claim's count, so a command that was sent three times has three outcome events. */
export function outcomeEventId(command: string, tries: number): string {
  return `outcome:${command}:${tries}`;
}

/** `name` and `n` of the deadline: two replicas that see the same one reached make one event of it. */
export function deadlineEventId(callId: string, name: string, n: number): string {
  return `deadline:${callId}:${name}:${n}`;
}

/** UUID version 5 of a name: SHA-1 over namespace and name, version and variant written over it. */
export function uuidV5(name: string, namespace: string = NAMESPACE): string {
  const digest = hash('sha1', Buffer.concat([namespaceBytes(namespace), Buffer.from(name)]), 'hex');
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

const OUR_NAMESPACE_BYTES = Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex');

function namespaceBytes(namespace: string): Buffer {
  return namespace === NAMESPACE
    ? OUR_NAMESPACE_BYTES
    : Buffer.from(namespace.replaceAll('-', ''), 'hex');
}
