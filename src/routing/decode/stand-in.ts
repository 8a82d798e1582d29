/**
 * Values in place of those that are missing or invalid, so that everything beside them is still
 * checked in the same run. A set with a problem is never used, so no call meets one.
 */
import { resolved, type SchemaNode } from '../schema/node.ts';

/** A value of the schema's form. `place` is told of every object and list in it. */
export function standIn(
  written: SchemaNode,
  name: string,
  place: (value: object) => void,
): unknown {
  const schema = resolved(written);
  const [first] = schema.anyOf ?? [];
  if (first !== undefined) return standIn(first, name, place);
  switch (schema.type) {
    case 'object': {
      const value: Record<string, unknown> = Object.create(null);
      place(value);
      for (const key of schema.required ?? []) {
        value[key] = standIn(schema.properties?.[key] ?? {}, key, place);
      }
      return value;
    }
    case 'array': {
      const value: unknown[] = [];
      place(value);
      return value;
    }
    case 'integer':
    case 'number':
      return schema.minimum ?? 0;
    case 'boolean':
      return false;
    default:
      return schema.enum?.[0] ?? (schema.pattern && schema.examples?.[0]) ?? `(no ${name})`;
  }
}
