import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/setup.ts';

const run = promisify(execFile);

interface Found {
  /** `plugin(rule)` */
  readonly code: string;
  readonly filename: string;
  readonly message: string;
}

/** What the rules of our own plugin `name` find in `places`. */
export async function lint(
  name: string,
  rules: readonly string[],
  places: readonly string[],
  cwd = process.cwd(),
): Promise<Found[]> {
  const configuration = {
    jsPlugins: [resolve(`.ci/lint/${name}.mjs`)],
    categories: { correctness: 'off' },
    rules: Object.fromEntries(rules.map((rule) => [`${name}/${rule}`, 'error'])),
  };
  const file = join(await temporaryDirectory('lint'), 'rules.json');
  await writeFile(file, JSON.stringify(configuration));
  const words = ['-c', file, '--format', 'json', ...places];
  const { stdout } = await run(resolve('node_modules/.bin/oxlint'), words, { cwd }).catch(
    (error: { stdout: string }) => error,
  );
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Found[] };
  return diagnostics;
}

/** The rules that find something in each of `texts`. */
export async function findingsIn(
  name: string,
  rules: readonly string[],
  texts: readonly string[],
): Promise<(string | undefined)[][]> {
  const folder = await temporaryDirectory('lint');
  for (const [index, text] of texts.entries()) await writeFile(join(folder, `case-${index}.ts`), text);
  const found = await lint(name, rules, [folder]);
  return texts.map((_, index) =>
    found
      .filter(({ filename }) => filename.endsWith(`case-${index}.ts`))
      .map(({ code }) => /\((.*)\)/.exec(code)?.[1]),
  );
}
