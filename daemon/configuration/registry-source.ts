import { path, string } from './value-types.ts';
import type { Place, ValueType } from './value-types.ts';

/** Where a user name or a password is to be had; a password is never here itself. */
export type Source =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

/** Where a password is to be had: anything else may be the password itself, and must not be shown. */
export const passwordSource: ValueType<Source> = {
  expected: 'env:NAME (a variable) or file:PATH; put the password there, it does not belong into this file',
  parse: parseReference,
};

export const userSource: ValueType<Source> = {
  expected: 'a user name, env:NAME or file:PATH',
  parse: (text, place) => {
    if (/^(?:env|file):/.test(text)) return parseReference(text, place);
    const name = string.parse(text, place);
    return name === undefined ? undefined : { kind: 'text', text: name };
  },
};

function parseReference(text: string, place: Place): Source | undefined {
  const [, kind, name = ''] = /^(env|file):(.*)$/s.exec(text) ?? [];
  if (kind === 'env') return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? { kind: 'variable', name } : undefined;
  if (kind !== 'file') return undefined;
  const file = path.parse(name, place);
  return file === undefined ? undefined : { kind: 'file', path: file };
}
