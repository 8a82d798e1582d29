/** Where a refer or a transfer leads, and how long its attempt may take. */
import { isE164 } from '../../core/rules/addresses/sip-uri.ts';
import type { Destination, Template } from '../../core/rules/rule.ts';
import { hasPlaces, parseDestination, parseTemplate } from '../../core/rules/texts/template.ts';
import { durationOf, type StepBuilder, useName } from '../building/context.ts';
import { ATTEMPT_BOUNDS } from '../building/duration.ts';
import { hasTrunkPrefix } from '../numbers/e164.ts';
import { quoted } from '../numbers/number.ts';
import type { Place } from '../problem.ts';
import type { WrittenDestination } from '../schema/destination.ts';
import type { WrittenRefer, WrittenTransfer } from '../schema/steps.ts';
import { isCallerId } from '../tables/check-rows.ts';
import { destinationHint, meantDestination, writtenDestination } from '../targets/destinations.ts';
import { usePlaces } from '../targets/lookups.ts';
import { buildReaching, isSip } from '../targets/targets.ts';

export function referred(b: StepBuilder, step: WrittenRefer): Destination | null {
  if (typeof step.refer === 'string') return referTo(b, step, step.refer);
  return 'pick' in step.refer ? pick(b, step.refer.pick) : ownDestination(b, step.refer);
}

/** An address in the step, with its own settings for reaching it. */
function ownDestination(b: StepBuilder, written: WrittenDestination): Destination | null {
  const { context, positions, trusted } = b;
  const at = positions.at(written, 'sip');
  const more = buildReaching(context, written, positions, trusted);
  if (!isSip(context, written.sip, at)) return null;
  const to = writtenDestination(context, written.sip, trusted, at);
  return to === null ? null : { ...to, more };
}

/** May be given in the step or in its destination; the step's value wins. */
export function referTimeout(b: StepBuilder, step: WrittenRefer): number | null {
  const beside = attemptTimeout(b, step);
  const { refer: to } = step;
  if (typeof to === 'string' || 'pick' in to) return beside;
  return beside ?? attemptTimeout(b, to);
}

/** Null: the target's own timeout applies. */
export function attemptTimeout(
  b: StepBuilder,
  step: WrittenRefer | WrittenTransfer | WrittenDestination,
): number | null {
  return durationOf(b.context, step, 'timeout', ATTEMPT_BOUNDS, null, b.positions);
}

function referTo(b: StepBuilder, owner: WrittenRefer, text: string): Destination | null {
  const at = b.positions.at(owner, 'refer');
  if (/^(?:sips?:|\{row:)/i.test(text)) return writtenDestination(b.context, text, b.trusted, at);
  if (b.context.names.target.has(text)) {
    useName(b.context, 'target', text, at);
    return { kind: 'target', name: text };
  }
  const meant = meantDestination(text);
  if (/^[+{<]/.test(text) || text.includes('@') || isE164(meant ?? '')) {
    notReferable(b, text, meant, at);
  } else {
    useName(b.context, 'target', text, at);
  }
  return null;
}

/** The hint says what was probably meant: a number, or a SIP URI without its scheme. */
function notReferable(b: StepBuilder, text: string, meant: string | null, at: Place): void {
  const number = [meant ?? text].find(isE164);
  const uri = [meant, `sip:${text}`].find(
    (form) => form !== null && /^sips?:/i.test(form) && !('problem' in parseDestination(form)),
  );
  b.context.problems.problem(
    at,
    `refer needs a target or a SIP URI, not ${quoted(text)}`,
    number !== undefined
      ? `use transfer for a number: "${number}", or a SIP URI: "sip:${number}@…"`
      : typeof uri === 'string'
        ? `write ${quoted(uri)}`
        : '',
  );
}

function pick(b: StepBuilder, weights: Record<string, number>): Destination | null {
  const found = Object.entries(weights).filter(([name]) =>
    useName(b.context, 'target', name, b.positions.atKey(weights, name)),
  );
  if (found.length === 0) return null;
  return { kind: 'pick', weights: found.map(([name, weight]) => ({ name, weight })) };
}

export function transferred(b: StepBuilder, step: WrittenTransfer): Destination | null {
  const { context, positions, trusted } = b;
  const { transfer: text } = step;
  const at = positions.at(step, 'transfer');
  if (context.names.target.has(text)) {
    useName(context, 'target', text, at);
    return { kind: 'target', name: text };
  }
  if (/^[A-Za-z0-9][A-Za-z0-9 ._/-]*$/.test(text) && !/^[0-9 .-]+$/.test(text)) {
    useName(context, 'target', text, at);
    return null;
  }
  return writtenDestination(context, text, trusted, at);
}

export function callerId(b: StepBuilder, owner: object, text: string): Template | null {
  const parsed = parseTemplate(text);
  const at = b.positions.at(owner, 'from');
  if ('problem' in parsed) {
    b.context.problems.problem(at, `from: ${parsed.problem}`);
    return null;
  }
  if (!hasPlaces(parsed) && !isCallerId(text)) {
    b.context.problems.problem(
      at,
      `from needs a number or a SIP URI, not ${quoted(text)}`,
      destinationHint(text, b.context.country) || 'for example "+14155550100" or "{from}"',
    );
    return null;
  }
  usePlaces(b.context, parsed, at);
  if (hasTrunkPrefix(text)) {
    b.context.problems.problem(
      at,
      `from: ${quoted(text)} contains the trunk prefix that is only dialled within the country`,
      destinationHint(text),
    );
  }
  return parsed;
}
