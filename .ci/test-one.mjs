// Builds what has changed, and runs the tests of one file: `npm run test:one PATH [ARGUMENT OF MOCHA...]`. PATH is a test, a
// source file, or a folder of either. The test of a source has its name, below test/. If there is none, those run that
// import it, or the ones of the sources that do.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const [given, ...words] = process.argv.slice(2);
if (given === undefined) fail('npm run test:one PATH');
const path = relative(project, resolve(process.env['INIT_CWD'] ?? project, given)).replace(
  /^dist\/(.*)\.js$/,
  '$1.ts',
);
if (!existsSync(join(project, path))) fail(`${given} does not exist`);
const tests = testsOf(path);
if (tests.length === 0) fail(`no test has to do with ${path}`);
if (!isNamed(path)) process.stdout.write(`test:one: ${tests.join(', ')}\n`);

const compiled = tests.map((test) => `dist/${test.replace(/\.ts$/, '.js')}`);
process.exitCode = run('.ci/prepare.mjs') || run('node_modules/mocha/bin/mocha.js', ...words, ...compiled);

function testsOf(file) {
  const tests = filesIn('test').filter((name) => name.endsWith('.test.ts'));
  if (statSync(join(project, file)).isDirectory())
    return tests.filter((test) => test.startsWith(`${file}/`) || test.startsWith(`test/${file}/`));
  if (file.endsWith('.test.ts')) return [file];
  const sources = ['core', 'wishlist', 'publisher', 'daemon', 'examples'].flatMap(filesIn);
  const importers = importersIn([...sources, ...filesIn('test')]);
  const seen = new Set([file]);
  for (
    let near = [file];
    near.length > 0;
    near = near.flatMap((name) => importers.get(name) ?? []).filter(isNew)
  ) {
    const own = near.map((name) =>
      name.endsWith('.test.ts') ? name : `test/${name.replace(/\.ts$/, '.test.ts')}`,
    );
    const found = own.filter((test) => tests.includes(test));
    if (found.length > 0) return found;
  }
  return [];

  function isNew(name) {
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  }
}

function isNamed(file) {
  return file.endsWith('.test.ts') || tests[0] === `test/${file.replace(/\.ts$/, '.test.ts')}`;
}

function filesIn(folder) {
  return readdirSync(join(project, folder), { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`)
    .toSorted();
}

/** The files that import each file. */
function importersIn(files) {
  const importers = new Map();
  for (const file of files) {
    for (const [, name] of readFileSync(join(project, file), 'utf8').matchAll(
      /(?: from |import\()'(\.[^']+)'/g,
    )) {
      const imported = join(dirname(file), name);
      importers.set(imported, [...(importers.get(imported) ?? []), file]);
    }
  }
  return importers;
}

function run(...command) {
  return spawnSync(process.execPath, command, { cwd: project, stdio: 'inherit' }).status ?? 1;
}

function fail(message) {
  process.stderr.write(`test:one: ${message}\n`);
  process.exit(2);
}
