/** The undo file: what `referee setup` is about to change, written before it changes anything. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/schema';
import { type Change, FIELDS } from '../../core/account/change.ts';
import { InvalidConfiguration } from '../../errors.ts';

export interface UndoFile {
  path: string;
  /** Writes the file again, with the ids that the changes now have. */
  rewrite(changes: readonly Change[]): void;
}

/** Throws if it cannot be written; nothing may be changed then. */
export function createUndoFile(folder: string, changes: readonly Change[], now: number): UndoFile {
  const madeAt = new Date(now).toISOString();
  const path = join(folder, `referee-setup-undo-${madeAt.replace(/[:.]/g, '-')}.json`);
  const text = (list: readonly Change[]) =>
    `${JSON.stringify({ referee_setup_undo: 1, made_at: madeAt, changes: list }, null, 2)}\n`;
  writeFileSync(path, text(changes), { flag: 'wx', mode: 0o600 });
  return {
    path,
    rewrite(list) {
      writeFileSync(`${path}.new`, text(list), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
  };
}

const TextOrNull = Type.Union([Type.String(), Type.Null()]);
const Connection = Type.Union([Type.Object({ id: TextOrNull, name: TextOrNull }), Type.Null()]);
const FieldValue = Type.Union([Type.String(), Type.Boolean(), Type.Null()]);
const ChangeSchema = Type.Union([
  Type.Object({
    type: Type.Literal('create_application'),
    id: TextOrNull,
    name: Type.String(),
    webhookUrl: Type.String(),
  }),
  Type.Object({
    type: Type.Literal('update_application'),
    id: Type.String(),
    name: Type.String(),
    webhookUrl: Type.String(),
    fields: Type.Array(
      Type.Object({
        field: Type.Union(
          (Object.keys(FIELDS) as (keyof typeof FIELDS)[]).map((name) => Type.Literal(name)),
        ),
        before: FieldValue,
        after: FieldValue,
      }),
    ),
  }),
  Type.Object({
    type: Type.Literal('assign_number'),
    id: Type.String(),
    number: Type.String(),
    before: Connection,
    after: Connection,
  }),
]);
const FileSchema = Type.Object({
  referee_setup_undo: Type.Literal(1),
  made_at: Type.String(),
  changes: Type.Array(ChangeSchema),
});

export function readUndoFile(path: string): Change[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
  if (!Check(FileSchema, parsed)) {
    throw invalid(path, 'it is not a file that referee setup wrote');
  }
  const file: Static<typeof FileSchema> = parsed;
  return file.changes;
}

function invalid(path: string, why: string): InvalidConfiguration {
  return new InvalidConfiguration('The undo file cannot be read', [
    `${path}: ${why}. Give the file whose path referee setup printed.`,
  ]);
}
