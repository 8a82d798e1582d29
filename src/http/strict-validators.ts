/**
 * Validates requests against the schemas of their endpoints. A schema is compiled at its first
 * request, because compiling all of them would slow down every start.
 */
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/schema';

type Factories = NonNullable<
  NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']
>;

/**
 * TypeBox's own conversion turns `limit=1.5` into 1. Here strings stay strings, and only digits
 * become an integer.
 */
const strictValidators: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validate = compiledAtFirst(schema);
  if (httpPart !== 'querystring') return validate;
  const { properties = {} } = schema as { properties?: Record<string, { type?: unknown }> };
  const integers = Object.keys(properties).filter((name) => properties[name]?.type === 'integer');
  return (query: Record<string, unknown>) => {
    const read = { ...query };
    for (const name of integers) {
      const text = read[name];
      if (typeof text === 'string' && /^-?\d{1,15}$/.test(text)) read[name] = Number(text);
    }
    return validate(read);
  };
};

function compiledAtFirst(schema: TSchema): ReturnType<FastifySchemaCompiler<TSchema>> {
  let compiled: ReturnType<typeof Compile> | null = null;
  return (value: unknown) => {
    compiled ??= Compile(schema);
    if (compiled.Check(value)) return { value };
    const [, errors] = compiled.Errors(value);
    // The answer says what was given.
    return { error: errors.map((error) => ({ ...error, got: at(value, error.instancePath) })) };
  };
}

/** The value at a JSON pointer. */
function at(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    found = (found as Record<string, unknown> | null | undefined)?.[key];
  }
  return found;
}

/**
 * Passed to fastify when it is created, because then it never loads Ajv. Responses are made by our
 * own functions and are not validated at run time; tests compare them with the schemas.
 */
export const COMPILERS = {
  buildValidator: () => strictValidators,
  buildSerializer: () => () => JSON.stringify,
  // Fastify's types only allow its own two compilers.
} as unknown as Factories;
