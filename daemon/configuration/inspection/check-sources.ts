import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { codeOf, hasCode } from '../../../core/system-error.ts';
import { quoted } from '../../../core/text.ts';
import type { Located } from '../mapping-reader.ts';
import { readAuthorities } from '../registries/certificates.ts';
import { readBytes } from '../registries/read-bytes.ts';
import type { Configuration } from '../options.ts';
import type { GitEntry, SourceEntry } from '../source-entry.ts';
import { resolveSources } from '../sources/sources.ts';
import type { CheckContext } from './context.ts';
import { findProgram } from './find-program.ts';
import type { Findings } from './finding.ts';
import { fileOf, warnIfExposed } from './secret-files.ts';

const LARGEST_BYTES = 16 * 1024 * 1024;

/** Whether all that sources name on this machine can be read. */
export async function checkSources({ configuration, environment, findings }: CheckContext): Promise<void> {
  const { sources } = configuration;
  await findings.collect(async (problems) => await resolveSources(configuration, environment, problems));
  for (const entry of sources) {
    await checkSource(entry, findings);
    warnIfUnconfined(entry, configuration, findings);
  }
  const inGit = sources.find((entry) => entry.kind === 'git');
  if (inGit !== undefined && findProgram('git', environment) === undefined) {
    findings.error(`${inGit.address.origin}: there is no program "git" in the PATH; install git`);
  }
}

/** What comes from elsewhere should say where it may publish. */
function warnIfUnconfined(
  entry: SourceEntry,
  {
    repositories = entry.repositories,
    backend,
    configFile = '',
  }: Pick<Configuration, 'repositories' | 'backend' | 'configFile'>,
  findings: Findings,
): void {
  if (entry.kind === 'file' || repositories !== undefined) return;
  const where =
    backend === 'cvmfs'
      ? 'in every repository of this machine'
      : 'only where unpackd has published before, and makes no directory tree';
  findings.warn(
    `${configFile}:${entry.line}: sources: ${quoted(entry.name)} names no repositories, so that it may publish ${where}; add repositories to it, or for all sources`,
  );
}

async function checkSource(entry: SourceEntry, findings: Findings): Promise<void> {
  switch (entry.kind) {
    case 'git':
      await checkGit(entry, findings);
      break;
    case 'file':
      await warnIfMissing(entry.path, findings);
      return;
    case 'url':
      break;
  }
  await warnIfExposed(fileOf(entry.login?.password), findings);
  await findings.collect(async (problems) => await readAuthorities(entry.authorities, problems));
}

async function checkGit({ address, key, knownHosts }: GitEntry, findings: Findings): Promise<void> {
  const { protocol, url } = address.value;
  if (protocol === 'file') {
    const path = url.startsWith('file:') ? fileURLToPath(url) : url;
    await warnIfMissing({ origin: address.origin, value: path }, findings);
  }
  await checkKey(key, findings);
  await isReadable(knownHosts, findings);
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

/** What may come later: the source fails until then, and the others go on. */
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
