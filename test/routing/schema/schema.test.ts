import { readFile } from 'node:fs/promises';
import Schema from 'typebox/schema';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROUTE_FILE_SCHEMA, schemaText } from '../../../src/routing/schema/schema.ts';

test('routes/routes.schema.json is what the program knows', async () => {
  const file = new URL('../../../routes/routes.schema.json', import.meta.url);
  expect(await readFile(file, 'utf8'), 'run: npx referee schema > routes/routes.schema.json').toBe(
    schemaText(),
  );
});

test('an editor that validates by it accepts the routes that ship, and underlines a wrong word', async () => {
  const routes = parse(
    await readFile(new URL('../../../routes/main.yaml', import.meta.url), 'utf8'),
  );
  const schema = ROUTE_FILE_SCHEMA as unknown as Record<string, unknown>;
  expect(Schema.Check(schema, routes)).toBe(true);
  expect(Schema.Check(schema, { ...routes, otherwise: [{ reject: 'bsy' }] })).toBe(false);
  expect(Schema.Check(schema, { ...routes, ruls: [] })).toBe(false);
  expect(Schema.Check(schema, { ...routes, rules: [{ name: 'x' }] })).toBe(false);
});

test('every key says what it is', () => {
  const missing: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties') {
        for (const [name, member] of Object.entries(
          value as Record<string, Record<string, unknown>>,
        )) {
          if (
            member.description === undefined &&
            member.title === undefined &&
            member.$ref === undefined
          )
            missing.push(`${path}.${name}`);
        }
      }
      visit(value, key === 'properties' ? path : `${path}.${key}`);
    }
  };
  visit(ROUTE_FILE_SCHEMA, '');
  expect(missing).toEqual([]);
});
