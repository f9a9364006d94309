// Puts unpackd below the empty folder given, as the packages have it: Node, the programs as one bundle in parts, what cannot be
// bundled since it is native, and the licenses of all of it. Needs the node_modules of the project and of this folder.
import { build } from 'esbuild';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Loaded from files of their own, with those that they load. */
const NATIVE = ['koffi', 'sqlite3'];
const NATIVE_WITH = [
  'koffi',
  `@koromix/koffi-linux-${process.arch}`,
  'sqlite3',
  'bindings',
  'file-uri-to-path',
];

/** What their tests, their compilation and other systems need is left out. */
const NEEDED = /\.(?:c?js|json|node)$|\/LICENSE[^/]*$/;
const UNNEEDED = /\/(?:deps|doc|musl_\w+|node-addon-api|obj|obj\.target|src\/(?!koffi)|test|vendor)\//;

/** The version of glibc that Node needs. RHEL 8 has it. */
const GLIBC_MINOR = 28;

const here = dirname(fileURLToPath(import.meta.url));
const project = dirname(dirname(here));
const modules = join(project, 'node_modules');
const node = join(here, `node_modules/node-linux-${process.arch}`);
const [, , home] = process.argv;

const packages = new Set([...NATIVE_WITH, ...(await bundle())]);
copyNode();
for (const name of NATIVE_WITH) copyPackage(name);
writeFileSync(join(home, 'LICENSES'), licenses());

/** @returns the names of the packages in the bundle */
async function bundle() {
  const { metafile } = await build({
    absWorkingDir: project,
    stdin: { contents: entry(), resolveDir: join(project, 'daemon/cli'), sourcefile: 'unpackd.ts' },
    entryNames: 'unpackd',
    chunkNames: '[name]-[hash]',
    outdir: join(home, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: NATIVE,
    // Packages that are no ES modules load Node's by require.
    banner: {
      js: "import { createRequire as __require_of } from 'node:module';\nconst require = __require_of(import.meta.url);",
    },
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  return Object.keys(metafile.inputs).flatMap(
    (path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  );
}

/** main.ts, after what it loads before everything else: parts of a bundle are loaded before the module that imports them. */
function entry() {
  const main = readFileSync(join(project, 'daemon/cli/main.ts'), 'utf8');
  const [first] = /^import '.*';$/m.exec(main) ?? [];
  if (first === undefined) throw new Error('daemon/cli/main.ts loads nothing first any more');
  return `${first}\nawait import('./main.ts');\n`;
}

function copyNode() {
  mkdirSync(join(home, 'bin'));
  copyFileSync(join(node, 'bin/node'), join(home, 'bin/node'));
  copyFileSync(join(here, 'unpackd.sh'), join(home, 'bin/unpackd'));
  for (const program of ['node', 'unpackd']) chmodSync(join(home, 'bin', program), 0o755);
  copyFileSync(join(project, 'package.json'), join(home, 'package.json'));
}

function copyPackage(name) {
  const source = join(modules, name);
  if (name === 'sqlite3') readFileSync(join(source, 'build/Release/node_sqlite3.node'));
  for (const path of readdirSync(source, { recursive: true })) {
    const file = `/${path}`;
    if (!NEEDED.test(file) || UNNEEDED.test(file)) continue;
    if (file.endsWith('.node')) checkGlibc(join(source, path));
    cpSync(join(source, path), join(home, 'node_modules', name, path));
  }
}

function checkGlibc(path) {
  const minors = [...readFileSync(path, 'latin1').matchAll(/\bGLIBC_2\.(\d+)\b/g)].map(([, minor]) =>
    Number(minor),
  );
  if (Math.max(0, ...minors) <= GLIBC_MINOR) return;
  throw new Error(
    `${path} needs glibc 2.${Math.max(...minors)}: remove it, and run npm run build, which compiles it for 2.${GLIBC_MINOR}`,
  );
}

function licenses() {
  const folders = [node, ...[...packages].toSorted().map((name) => join(modules, name))];
  return folders
    .flatMap((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(basename(one)));
      const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
      return [`${name} ${version}: ${license}\n${text}`];
    })
    .join(`\n${'='.repeat(79)}\n\n`);
}
