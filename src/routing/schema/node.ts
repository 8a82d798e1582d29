/** The route schema as decode.ts reads it. */
import { ROUTE_FILE_SCHEMA } from './schema.ts';

/** The part of JSON Schema that the route schema uses. */
export interface SchemaNode {
  $ref?: string;
  type?: string;
  title?: string;
  description?: string;
  examples?: readonly unknown[];
  enum?: readonly string[];
  pattern?: string;
  /** A secret, which is never shown. */
  writeOnly?: boolean;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  items?: SchemaNode;
  properties?: Record<string, SchemaNode>;
  required?: readonly string[];
  propertyNames?: SchemaNode;
  additionalProperties?: boolean | SchemaNode;
  anyOf?: readonly SchemaNode[];
}

export function resolved(schema: SchemaNode): SchemaNode {
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.slice('#/$defs/'.length);
  const defs = ROUTE_FILE_SCHEMA.$defs as unknown as Record<string, SchemaNode>;
  const found = defs[name];
  if (found === undefined) throw new Error(`schema without ${schema.$ref}`);
  return found;
}

const patterns = new Map<string, RegExp>();
export function matches(pattern: string, text: string): boolean {
  let regexp = patterns.get(pattern);
  if (regexp === undefined) {
    regexp = new RegExp(pattern, 'u');
    patterns.set(pattern, regexp);
  }
  return regexp.test(text);
}
