// Builds what has changed, and runs the tests of one file: `npm run test:one PATH [ARGUMENT OF MOCHA...]`. PATH is a test, a
// source file (its test has its name, below test/; if there is none, the tests that import it), or a folder of either.
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
if (tests.length === 0) fail(`no test has the name of ${path}, and none imports it`);

const compiled = tests.map((test) => `dist/${test.replace(/\.ts$/, '.js')}`);
process.exitCode = run('.ci/prepare.mjs') || run('node_modules/mocha/bin/mocha.js', ...words, ...compiled);

function testsOf(file) {
  if (statSync(join(project, file)).isDirectory())
    return allTests().filter((test) => test.startsWith(`${file}/`) || test.startsWith(`test/${file}/`));
  if (file.endsWith('.test.ts')) return [file];
  const own = `test/${file.replace(/\.ts$/, '.test.ts')}`;
  if (existsSync(join(project, own))) return [own];
  return allTests().filter((test) => imports(test).includes(file));
}

function allTests() {
  return readdirSync(join(project, 'test'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${name}`)
    .toSorted();
}

function imports(test) {
  const found = readFileSync(join(project, test), 'utf8').matchAll(/ from '(\.[^']+)'/g);
  return Array.from(found, ([, name]) => join(dirname(test), name));
}

function run(...command) {
  return spawnSync(process.execPath, command, { cwd: project, stdio: 'inherit' }).status ?? 1;
}

function fail(message) {
  process.stderr.write(`test:one: ${message}\n`);
  process.exit(2);
}
