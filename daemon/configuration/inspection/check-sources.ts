import { stat } from 'node:fs/promises';
import { isLoopback } from '../../../core/oci/registry-host.ts';
import { codeOf, hasCode } from '../../../core/system-error.ts';
import { quoted } from '../../../core/text.ts';
import type { Located } from '../value-types.ts';
import { readAuthorities } from '../registries/certificates.ts';
import { readBytes } from '../../../core/system/files.ts';
import type { Configuration, Environment } from '../options.ts';
import type { Needs, SourceEntry } from '../sources/kind.ts';
import { kindOfSource } from '../sources/kinds.ts';
import { resolveSources } from '../sources/sources.ts';
import { fileOf, findProgram, warnIfExposed, type CheckContext, type Findings } from './findings.ts';

const LARGEST_BYTES = 16 * 1024 * 1024;

/** Checks that everything that sources name on this machine can be read. */
export async function checkSources({ configuration, environment, findings }: CheckContext): Promise<void> {
  const { sources } = configuration;
  await findings.collect(async (problems) => await resolveSources(configuration, environment, problems));
  const programs = new Map<string, Located<string>>();
  for (const entry of sources) {
    const needs = kindOfSource(entry).needs?.(entry) ?? {};
    await checkFiles(needs, findings);
    warnIfUnconfined(entry, configuration, findings);
    const { program } = needs;
    if (program !== undefined && !programs.has(program.value)) programs.set(program.value, program);
  }
  for (const program of programs.values()) checkProgram(program, environment, findings);
}

/** Warns where a source from elsewhere does not say where it may publish. */
function warnIfUnconfined(
  entry: SourceEntry,
  {
    repositories = entry.repositories,
    backend,
    configFile = '',
  }: Pick<Configuration, 'repositories' | 'backend' | 'configFile'>,
  findings: Findings,
): void {
  if (kindOfSource(entry).isOperators || repositories !== undefined) return;
  const where =
    backend === 'cvmfs'
      ? 'in every repository of this machine'
      : 'only where unpackd has published before, and makes no directory tree';
  findings.warn(
    `${configFile}:${entry.line}: sources: ${quoted(entry.name)} names no repositories, so that it may publish ${where}; add repositories to it, or for all sources`,
  );
}

async function checkFiles(
  { place, sshKey, knownHosts, secret, plainHost, authorities }: Needs,
  findings: Findings,
): Promise<void> {
  if (place !== undefined) await warnIfMissing(place, findings);
  await checkKey(sshKey, findings);
  await isReadable(knownHosts, findings);
  warnIfExposed(fileOf(secret), findings);
  if (secret !== undefined && plainHost !== undefined && !isLoopback(plainHost)) {
    findings.warn(
      `${secret.origin}: goes to ${plainHost} over plain HTTP, readable on the way; write https:// if ${plainHost} has TLS`,
    );
  }
  await findings.collect(async (problems) => await readAuthorities(authorities, problems));
}

function checkProgram(
  { origin, value }: Located<string>,
  environment: Environment,
  findings: Findings,
): void {
  if (findProgram(value, environment) !== undefined) return;
  findings.error(`${origin}: there is no program "${value}" in the PATH; install ${value}`);
}

/** ssh does not use a key of its own user that others may read. @see ssh(1), "FILES" */
async function checkKey(file: Located<string> | undefined, findings: Findings): Promise<void> {
  if (file === undefined || !(await isReadable(file, findings))) return;
  const { mode, uid } = await stat(file.value);
  if ((mode & 0o077) === 0 || uid !== process.getuid?.()) return;
  findings.error(
    `${file.origin}: ssh does not use the key ${quoted(file.value)}, which other users may read; take their rights away: chmod 600`,
  );
}

async function isReadable(file: Located<string> | undefined, findings: Findings): Promise<boolean> {
  if (file === undefined) return false;
  const content = await readBytes(file.value, LARGEST_BYTES);
  if ('bytes' in content) return true;
  const name = `the file ${quoted(file.value)}`;
  findings.error(`${file.origin}: ${name} ${content.problem}; correct the path, or let unpackd read it`);
  return false;
}

/** Only a warning: the source fails until the file is there, and the others continue. */
async function warnIfMissing({ origin, value }: Located<string>, findings: Findings): Promise<void> {
  try {
    await stat(value);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    const problem = hasCode(error, 'ENOENT', 'ENOTDIR') ? 'does not exist' : `cannot be reached (${code})`;
    findings.warn(`${origin}: ${quoted(value)} ${problem}; the source fails until it is there`);
  }
}
