import { isUtf8 } from 'node:buffer';
import type { Credentials } from '../../../publisher/registry/options.ts';
import { quoted } from '../../../core/text.ts';
import type { Located } from '../mapping-reader.ts';
import type { Environment } from '../options.ts';
import { hideLogin } from '../secrets.ts';
import type { RegistryEntry } from '../registry-entry.ts';
import { readBytes } from './read-bytes.ts';
import type { Source } from '../registry-source.ts';

const LARGEST_BYTES = 64 * 1024;

/** Reads user and password from where the configuration says they are; what is wrong goes to `problems`. */
export async function resolveLogin(
  { login, file }: Pick<RegistryEntry, 'login' | 'file'>,
  environment: Environment,
  problems: string[],
): Promise<Credentials | undefined> {
  if (login === undefined) return undefined;
  const user = await resolveSecret(login.user, environment, problems);
  const password = await resolveSecret(login.password, environment, problems);
  if (password !== undefined) hideLogin(user ?? '', password);
  if (user?.includes(':') === true) {
    problems.push(`${login.user.origin}: a user name holds no colon (RFC 7617); correct it`);
  }
  if (user === undefined || password === undefined) return undefined;
  return { user, password, origin: file };
}

/** Reads what may be a secret: it stands in no problem. What is wrong goes to `problems`. */
export async function resolveSecret(
  { origin, value }: Located<Source>,
  environment: Environment,
  problems: string[],
): Promise<string | undefined> {
  const found = await read(value, environment);
  if (typeof found === 'string') {
    // oxlint-disable-next-line no-control-regex
    if (!/[\u0000-\u001f\u007f]/.test(found)) return found;
    problems.push(
      `${origin}: the text found there holds more than one line, or a control character; leave the secret alone there`,
    );
    return undefined;
  }
  problems.push(`${origin}: ${found.problem}`);
  return undefined;
}

async function read(source: Source, environment: Environment): Promise<string | { problem: string }> {
  if (source.kind === 'text') return source.text;
  if (source.kind === 'variable') {
    const text = environment[source.name] ?? '';
    return text === ''
      ? { problem: `the environment variable ${source.name} is not set; set it for unpackd` }
      : text;
  }
  const content = await readBytes(source.path, LARGEST_BYTES);
  const name = `the file ${quoted(source.path)}`;
  if ('problem' in content) {
    return { problem: `${name} ${content.problem}; correct the path, or let unpackd read it` };
  }
  if (!isUtf8(content.bytes)) return { problem: `${name} is not valid UTF-8; write the text in it` };
  const text = content.bytes.toString('utf8').replace(/\r?\n$/, '');
  return text === '' ? { problem: `${name} is empty; write the text into it` } : text;
}
