import { isUtf8 } from 'node:buffer';
import type { Credentials } from '../../publisher/registry/options.ts';
import { quoted } from '../../core/text.ts';
import type { Environment } from './options.ts';
import { readBytes } from '../../core/system/files.ts';
import { hideLogin } from './secrets.ts';
import { path, string, type Located, type PathBase, type ValueType } from './value-types.ts';

/** A reference to a user name or password; only a user name may be given as is. */
export type SecretReference =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

/** User name and password, not read yet. */
export interface LoginReference {
  readonly user: Located<SecretReference>;
  readonly password: Located<SecretReference>;
}

/** A reference to a password. Anything else may be the password itself, and must not be shown. */
export const passwordReference: ValueType<SecretReference> = {
  expected: 'env:NAME (a variable) or file:PATH; put the password there, it does not belong into this file',
  parse: parseReference,
};

export const userReference: ValueType<SecretReference> = {
  expected: 'a user name, env:NAME or file:PATH',
  parse: (text, base) => {
    if (/^(?:env|file):/.test(text)) return parseReference(text, base);
    const name = string.parse(text, base);
    return name === undefined ? undefined : { kind: 'text', text: name };
  },
};

/** Formats a reference as the configuration file has it: `env:NAME`, `file:PATH`, or a user name. */
export function referenceText(located: Located<SecretReference> | undefined): string | undefined {
  switch (located?.value.kind) {
    case undefined:
      return undefined;
    case 'text':
      return located.value.text;
    case 'variable':
      return `env:${located.value.name}`;
    case 'file':
      return `file:${located.value.path}`;
  }
}

/** Reads user name and password; problems go to `problems`. `file` is the configuration file. */
export async function resolveLogin(
  { login, file }: { readonly login: LoginReference | undefined; readonly file: string },
  environment: Environment,
  problems: string[],
): Promise<Credentials | undefined> {
  if (login === undefined) return undefined;
  const user = await resolveSecret(login.user, environment, problems);
  const password = await resolveSecret(login.password, environment, problems);
  if (password !== undefined) hideLogin(user ?? '', password);
  if (user?.includes(':') === true) {
    problems.push(`${login.user.origin}: a user name cannot contain a colon (RFC 7617); correct it`);
  }
  if (user === undefined || password === undefined) return undefined;
  return { user, password, origin: file };
}

/** Reads a secret; problems, which never quote it, go to `problems`. */
export async function resolveSecret(
  { origin, value }: Located<SecretReference>,
  environment: Environment,
  problems: string[],
): Promise<string | undefined> {
  const found = await read(value, environment);
  if (typeof found === 'string') {
    // oxlint-disable-next-line no-control-regex
    if (!/[\u0000-\u001f\u007f]/.test(found)) return found;
    problems.push(
      `${origin}: the text found there has several lines or a control character; leave only the secret there`,
    );
    return undefined;
  }
  problems.push(`${origin}: ${found.problem}`);
  return undefined;
}

async function read(
  reference: SecretReference,
  environment: Environment,
): Promise<string | { problem: string }> {
  if (reference.kind === 'text') return reference.text;
  if (reference.kind === 'variable') {
    const text = environment[reference.name] ?? '';
    return text === ''
      ? { problem: `the environment variable ${reference.name} is not set; set it for unpackd` }
      : text;
  }
  const content = await readBytes(reference.path, LARGEST_BYTES);
  const name = `the file ${quoted(reference.path)}`;
  if ('problem' in content) {
    return { problem: `${name} ${content.problem}; correct the path, or let unpackd read it` };
  }
  if (!isUtf8(content.bytes)) return { problem: `${name} is not valid UTF-8; write the text in it` };
  const text = content.bytes.toString('utf8').replace(/\r?\n$/, '');
  return text === '' ? { problem: `${name} is empty; write the text into it` } : text;
}

const LARGEST_BYTES = 64 * 1024;

function parseReference(text: string, base: PathBase): SecretReference | undefined {
  const [, kind, name = ''] = /^(env|file):(.*)$/s.exec(text) ?? [];
  if (kind === 'env') return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? { kind: 'variable', name } : undefined;
  if (kind !== 'file') return undefined;
  const file = path.parse(name, base);
  return file === undefined ? undefined : { kind: 'file', path: file };
}
