/**
 * Ids that are the same on a replay, after a restart and on another replica: those of commands
 * (UUIDv5, RFC 9562 section 5.5) and of our own events.
 */
import { hash } from 'node:crypto';

/**
 * Never change it: with another namespace, commands that Telnyx has executed would be sent again.
 */
const NAMESPACE = '7b0c5c3e-5f0e-4e0b-9b1c-2d5f6b8f4a11';

/** The id of the `index`th command that follows from this event of this call. */
export function commandId(
  callId: string,
  eventType: string,
  eventId: string,
  index: number,
): string {
  // JSON separates the parts unambiguously: different lists never give the same text.
  return uuidV5(JSON.stringify([callId, eventType, eventId, index]));
}

/** `tries` counts the claims, so a command that was sent three times has three outcome events. */
export function outcomeEventId(command: string, tries: number): string {
  return `outcome:${command}:${tries}`;
}

/** From `name` and `n` of the deadline, so two replicas make the same event of it. */
export function deadlineEventId(callId: string, name: string, n: number): string {
  return `deadline:${callId}:${name}:${n}`;
}

/** UUID version 5: SHA-1 of namespace and name, with version and variant bits set. */
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
