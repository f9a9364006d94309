import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FailureCode } from '../../../core/failure.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { BACKENDS, Site } from '../../support/e2e/site.ts';
import type { Outcome } from '../../support/e2e/unpackd.ts';
import { blobOf, descriptorOf, jsonBlob } from '../../support/images/blob.ts';
import { image, type Image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../support/images/layer.ts';
import { temporaryDirectory } from '../../support/setup.ts';

type Document = Record<string, unknown>;

/** What a config and a manifest say, after somebody has changed them. */
interface ConfigCase {
  readonly what: string;
  readonly code: FailureCode | 'published';
  readonly config?: (config: Document) => void;
  /** Changes the text of the config. */
  readonly text?: (text: string) => string;
  readonly manifest?: (manifest: Document) => void;
}

const DIGEST = `sha256:${'0'.repeat(64)}`;

const CASES: readonly ConfigCase[] = [
  {
    what: 'fewer diff IDs than layers',
    code: 'manifest-invalid',
    config: (config) => (config['rootfs'] = { type: 'layers', diff_ids: [] }),
  },
  {
    what: 'more diff IDs than layers',
    code: 'manifest-invalid',
    config: (config) => (config['rootfs'] = { type: 'layers', diff_ids: [DIGEST, DIGEST] }),
  },
  {
    what: 'a diff ID of another layer',
    code: 'digest-mismatch',
    config: (config) => (config['rootfs'] = { type: 'layers', diff_ids: [DIGEST] }),
  },
  {
    what: 'a diff ID that is a path',
    code: 'manifest-invalid',
    config: (config) => (config['rootfs'] = { type: 'layers', diff_ids: ['sha256:../../../etc/passwd'] }),
  },
  {
    what: 'variables that are no texts',
    code: 'manifest-invalid',
    config: (config) => (config['config'] = { Env: [{ toString: 'x' }] }),
  },
  {
    what: 'a config of lists in lists',
    // Out of the podman store alone: Go could not read it.
    code: 'published',
    text: (text) => text.replace(/\}$/, `,"history":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  },
  { what: 'a config that ends early', code: 'manifest-invalid', text: (text) => text.slice(0, -10) },
  { what: 'a config with a byte order mark', code: 'manifest-invalid', text: (text) => `\ufeff${text}` },
  { what: 'a config that is a list', code: 'manifest-invalid', text: (text) => `[${text}]` },
  { what: 'an empty config', code: 'manifest-invalid', text: () => '' },
  {
    what: 'a config with prototypes',
    code: 'published',
    text: (text) =>
      text.replace(
        '"config":{}',
        '"__proto__":{"os":"x"},"config":{"__proto__":{"Env":["A=b"]},"Labels":{"__proto__":"x","constructor":"y"}}',
      ),
  },
  {
    what: 'variables with NUL, line breaks and half characters',
    code: 'published',
    text: (text) =>
      text.replace('"config":{}', '"config":{"Env":["A=\\u0000","B\\n=x","C=\\ud800","=","A"]}'),
  },
  {
    what: 'a history of other layers',
    code: 'published',
    config: (config) => (config['history'] = Array.from({ length: 1000 }, () => ({ empty_layer: 7 }))),
  },
  {
    what: 'times of no calendar',
    code: 'published',
    config: (config) => (config['created'] = '99999-99-99T99:99:99Z'),
  },
  {
    what: 'a layer of a size that is no whole number',
    code: 'manifest-invalid',
    manifest: (manifest) => changeLayer(manifest, { size: 0.5 }),
  },
  {
    what: 'a layer of an exabyte',
    code: 'disk-full',
    manifest: (manifest) => changeLayer(manifest, { size: 2 ** 53 - 1 }),
  },
  {
    what: 'a layer of a type that is a path',
    code: 'media-type-unsupported',
    manifest: (manifest) => changeLayer(manifest, { mediaType: '../../../etc/passwd' }),
  },
  {
    what: 'another hash',
    code: 'manifest-invalid',
    manifest: (manifest) => changeLayer(manifest, { digest: `md5:${'0'.repeat(32)}` }),
  },
  {
    what: 'a digest in capitals',
    code: 'manifest-invalid',
    manifest: (manifest) => changeLayer(manifest, { digest: `sha256:${'A'.repeat(64)}` }),
  },
  {
    what: 'layers that are no list',
    code: 'manifest-invalid',
    manifest: (manifest) => (manifest['layers'] = { length: 1, 0: {} }),
  },
  {
    what: 'a layer that is null',
    code: 'manifest-invalid',
    manifest: (manifest) => (manifest['layers'] = [null]),
  },
  {
    what: 'a layer that is its config',
    code: 'layer-corrupt',
    manifest: (manifest) =>
      (manifest['layers'] = [
        { ...(manifest['config'] as Document), mediaType: 'application/vnd.oci.image.layer.v1.tar' },
      ]),
  },
  {
    what: 'annotations that are no texts',
    code: 'published',
    manifest: (manifest) => (manifest['annotations'] = { 'org.opencontainers.image.ref.name': ['../../x'] }),
  },
  {
    what: 'a layer whose digest is a path',
    code: 'manifest-invalid',
    manifest: (manifest) =>
      (manifest['layers'] = [{ mediaType: 'x', digest: 'sha256:../../../../etc', size: 1 }]),
  },
  {
    what: 'a layer of a negative size',
    code: 'manifest-invalid',
    manifest: (manifest) => changeLayer(manifest, { size: -1 }),
  },
  {
    what: 'a layer of another size',
    code: 'digest-mismatch',
    manifest: (manifest) => changeLayer(manifest, { size: 1 }),
  },
  { what: 'no layers at all', code: 'manifest-invalid', manifest: (manifest) => delete manifest['layers'] },
  {
    what: 'a config whose digest is a path',
    code: 'manifest-invalid',
    manifest: (manifest) => (manifest['config'] = { mediaType: 'x', digest: '../../x', size: 1 }),
  },
];

function changeLayer(manifest: Document, fields: Document): void {
  const layers = manifest['layers'];
  assert.ok(Array.isArray(layers));
  manifest['layers'] = layers.map((one: Document) => ({ ...one, ...fields }));
}

function changed(whole: Image, { config, text = (same) => same, manifest }: ConfigCase): Image {
  const [blob, ...layers] = whole.blobs;
  assert.ok(blob !== undefined && 'bytes' in blob);
  const says: Document = JSON.parse(blob.bytes.toString());
  config?.(says);
  const configBlob = blobOf(blob.mediaType, Buffer.from(text(JSON.stringify(says))));
  const document: Document = JSON.parse(whole.manifest.bytes.toString());
  document['config'] = descriptorOf(configBlob);
  manifest?.(document);
  return { ...whole, manifest: jsonBlob(whole.manifest.mediaType, document), blobs: [configBlob, ...layers] };
}

/** What a shell would act on, if it were not quoted; `FILE` becomes a path of the host. */
const COMMANDS = [
  '$(touch FILE)',
  '`touch FILE`',
  "'; touch FILE; '",
  '"; touch FILE; "',
  '\n touch FILE\n',
  '\r\ntouch FILE\r\n',
  '${IFS:+$(touch FILE)}',
  '\\\ntouch FILE\n',
  "'\"'\"'$(touch FILE)'",
  '\u0080\ntouch FILE\n',
] as const;

for (const kind of BACKENDS) {
  describe(`e2e/hostile/configs: unpackd convert, backend ${kind}: a hostile config or manifest`, () => {
    let registry: TestRegistry;
    let site: Site;
    let outcome: Outcome;
    let folder: string;
    const nameOf = (tag: string): string => `${registry.host}/lab/config:${tag}`;

    before(async function () {
      registry = await TestRegistry.start();
      site = await Site.make(kind);
      folder = join(await temporaryDirectory('commands'), 'made');
      mkdirSync(folder);
      const only = async (text: string): Promise<Layer[]> => [await layer([file('f', text)])];
      const wishes = [registry.add('lab/config', 'good', image({ layers: await only('good') }))];
      for (const [index, one] of CASES.entries()) {
        const whole = image({ layers: await only(`case ${index}`) });
        wishes.push(registry.add('lab/config', `c${index}`, changed(whole, one)));
      }
      const values = COMMANDS.map((command) => command.replaceAll('FILE', `${folder}/$$`));
      const config = {
        config: {
          Env: [
            ...values.map((value, index) => `V${index}=${value}`),
            ...values.map((value) => `${value}=x`),
            'PATH=/usr/bin:/bin',
            `BASH_ENV=${values[0]}`,
            `ENV=${values[1]}`,
            `PS1=${values[2]}`,
          ],
          Entrypoint: ['/bin/true', ...values],
          Cmd: values,
          WorkingDir: `/tmp/${values[0]}`,
          User: values[2] ?? '',
          Labels: Object.fromEntries(values.map((value) => [value, value])),
        },
      };
      wishes.push(registry.add('lab/config', 'commands', image({ layers: await only('commands'), config })));
      outcome = await site.convert(wishes);
    });
    after(async () => {
      await registry.close();
      await site.close();
    });

    for (const [index, { what, code }] of CASES.entries()) {
      it(`${code === 'published' ? 'is harmless' : 'fails alone'}: ${what}`, () => {
        const name = nameOf(`c${index}`);
        const lines = outcome.stderr
          .split('\n')
          .filter((line) => line.startsWith('error') && line.includes(` ${name}: `));
        const codes = lines.map((line) => /^error\[([a-z-]+)\]/.exec(line)?.[1]);
        assert.deepEqual(codes, code === 'published' ? [] : [code], lines.join('\n'));
        assert.equal(existsSync(site.path(name)), code === 'published');
      });
    }

    it('keeps no other from being published', () => {
      assert.equal(readFileSync(site.path(`${nameOf('good')}/f`), 'utf8'), 'good');
      assert.equal(outcome.status, 1);
    });

    it('runs nothing when it is started', () => {
      const root = site.path(`${nameOf('commands')}/.singularity.d`);
      const scripts = [
        'runscript',
        'startscript',
        ...readdirSync(join(root, 'env')).map((name) => `env/${name}`),
      ];
      assert.ok(scripts.length > 4);
      for (const shell of ['/bin/sh', '/bin/bash']) {
        if (!existsSync(shell)) continue;
        for (const script of scripts) {
          const { status, stderr } = spawnSync(shell, [join(root, script)], { encoding: 'utf8', env: {} });
          assert.deepEqual([status, stderr], [0, ''], script);
        }
      }
      assert.deepEqual(readdirSync(folder), []);
    });
  });
}
