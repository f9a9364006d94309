import type { z } from 'zod';
import { Failure } from './failure.ts';
import type { FailureCode } from './failure.ts';
import { quoted } from './text.ts';

/**
 * Parses JSON that may be damaged, of another version or somebody else's.
 *
 * @returns `undefined` where there is no `text`, or it is not valid JSON or does not match `schema`
 */
export function parseIfValid<Schema extends z.ZodType>(
  schema: Schema,
  text: string | Buffer | undefined,
): z.output<Schema> | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text.toString())).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A document as messages call it, and the code of the failure where it is not valid. */
export interface DocumentName {
  readonly what: string;
  readonly code: FailureCode;
}

/** @throws Failure with the code of `name` where `bytes` are not valid JSON */
export function parseJson(bytes: Buffer, name: DocumentName): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The error's own text quotes the document, which may hold a token.
    throw new Failure(name.code, `${name.what} is not valid JSON`, {
      hint: 'ask whoever runs the registry; a proxy in between may answer in its place',
    });
  }
}

/** @throws Failure with the code of `name` that says where `value` breaks `schema`, never with which value */
export function checkSchema<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  name: DocumentName,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? 'as a whole' : quoted(issue.path.join('.'));
  throw new Failure(name.code, `${name.what} is not valid: ${place}: ${issue?.message ?? 'wrong'}`, {
    hint: 'build and push the image again with a current tool',
  });
}
