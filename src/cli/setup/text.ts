/** A plan of changes to the account, and its result, as text and as JSON. */
import type { Change, Connection, FieldValue } from '../../core/account/change.ts';
import { wantedFields } from '../../core/account/setup.ts';
import type { AppliedChange } from '../../telnyx/account/apply-changes.ts';
import type { Io } from '../terminal/io.ts';
import { colours, plain } from '../terminal/terminal.ts';

/** `+` marks what is created, `~` what is changed. */
export function planText(changes: readonly Change[], io: Io): string {
  return changes
    .flatMap((change) => linesOf(change, io))
    .map((line) => `${line}\n`)
    .join('');
}

function linesOf(change: Change, io: Io): string[] {
  const { green, yellow, bold } = colours(io);
  const [plus, tilde] = [green('+'), yellow('~')];
  switch (change.type) {
    case 'create_application':
      return [
        `${plus} application ${bold(shown(change.name))}`,
        ...wantedFields(change.webhookUrl).map(
          ({ field, after }) => `  ${plus} ${field} ${shown(after)}`,
        ),
      ];
    case 'update_application':
      return [
        `${tilde} application ${bold(shown(change.name))} (${plain(change.id)})`,
        ...change.fields.map(
          ({ field, before, after }) => `  ${tilde} ${field} ${shown(before)} -> ${shown(after)}`,
        ),
      ];
    case 'assign_number':
      return [
        `${tilde} number ${bold(plain(change.number))}`,
        `  ${tilde} connection_id ${connection(change.before)} -> ${connection(change.after)}`,
      ];
  }
}

export function appliedText(applied: readonly AppliedChange[], io: Io): string {
  const { green, red, yellow, dim } = colours(io);
  const paint = { done: green, failed: red, unknown: yellow, not_tried: dim };
  return applied
    .map(({ change, state, why }) => {
      const reason = why === null ? '' : `: ${plain(why)}`;
      const unclear = state === 'unknown' ? ' (it may have been made)' : '';
      return `${paint[state](state.replace('_', ' ').padEnd(10))}${named(change)}${unclear}${reason}\n`;
    })
    .join('');
}

function named(change: Change): string {
  switch (change.type) {
    case 'create_application':
      return `application ${shown(change.name)} created${change.id === null ? '' : ` (${plain(change.id)})`}`;
    case 'update_application':
      return `application ${shown(change.name)}: ${change.fields.map(({ field }) => field).join(', ')}`;
    case 'assign_number':
      return `number ${plain(change.number)} assigned to ${connection(change.after)}`;
  }
}

export function changeJson({ change, state, why }: AppliedChange | PlannedChange) {
  const end = { state, why };
  switch (change.type) {
    case 'create_application': {
      const { type, id, name, webhookUrl } = change;
      return { type, application: { id, name }, webhook_url: webhookUrl, ...end };
    }
    case 'update_application': {
      const { type, id, name, fields } = change;
      return { type, application: { id, name }, fields, ...end };
    }
    case 'assign_number': {
      const { type, number, before, after } = change;
      return { type, number, from: before, to: after, ...end };
    }
  }
}

interface PlannedChange {
  change: Change;
  state: 'planned';
  why: null;
}

function connection(given: Connection | null): string {
  if (given === null) return 'none';
  const name = given.name === null ? '' : shown(given.name);
  if (given.id === null) return name;
  return `${plain(given.id)}${name === '' ? '' : ` (${name})`}`;
}

function shown(value: FieldValue): string {
  return plain(JSON.stringify(value));
}
