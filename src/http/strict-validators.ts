/**
 * What checks requests against the schemas of their endpoints. TypeBox compiles a schema when its
 * first request comes: compiling all of them would be a part of every start.
 */
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/schema';

type Factories = NonNullable<
  NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']
>;

/**
 * TypeBox's own conversion turns `limit=1.5` into 1. Here texts stay texts, and only digits become
 * a whole number.
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
    const [, error] = compiled.Errors(value);
    return { error };
  };
}

/**
 * Given to fastify when it is made, not later: it then never loads Ajv. Our own functions make the
 * answers; the schemas describe them, and tests compare both.
 */
export const COMPILERS = {
  buildValidator: () => strictValidators,
  buildSerializer: () => () => JSON.stringify,
  // Fastify's types know no other compilers than its own two.
} as unknown as Factories;
