import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../../../daemon/cli/command.ts';
import { statusOf, withRegistry } from '../../../daemon/cycle/publishing.ts';
import { runUnpackd } from '../../../daemon/cli/run.ts';
import type { RepositoryReport } from '../../../daemon/cycle/repository-work.ts';
import { failedResult } from '../../../publisher/image/events.ts';
import type { PlatformResult } from '../../../publisher/image/results.ts';
import { Failure, type FailureCode } from '../../../core/failure.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { TokenService } from '../../support/registry/token-service.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { capture } from '../cli/capture.ts';
import { commandNamed } from '../cli/command-named.ts';
import { answer, HelperPrograms } from '../configuration/registries/helper-program.ts';

const PASSWORD = 'Corr3ct/horse+battery';
/** One that nothing has read, so that it is not masked as one that is known. */
const MISTYPED = 'M1stake/horse+battery';
const IMAGE = buildImage({ layers: [plainLayer(Buffer.from('layer'))] });

let server: FaultServer;
let folder: string;

beforeEach(async () => {
  server = await FaultServer.start();
  server.addImage('lab/tool', '1', IMAGE);
  folder = await temporaryDirectory('publishing');
});

afterEach(async () => {
  await server.close();
});

interface Given {
  readonly environment?: Readonly<Record<string, string>>;
  readonly config?: string;
  readonly command?: Command;
}

async function run({ environment = {}, config = '', command = commandNamed('download-manifest') }: Given) {
  const [stdout, stderr] = [capture(), capture()];
  await writeFile(join(folder, 'unpackd.yaml'), config);
  const machine = {
    home: folder,
    superuser: false,
    workingDirectory: folder,
    configurationFile: join(folder, 'unpackd.yaml'),
  };
  const { signal } = new AbortController();
  const surroundings = { version: 'test', environment, stdout, stderr, signal, machine };
  const status = await runUnpackd(
    [command.name, `http://${server.host}/lab/tool:1`],
    [command],
    surroundings,
  );
  return { status, stdout: stdout.text(), stderr: stderr.text() };
}

function assertSecret({ stdout, stderr }: { stdout: string; stderr: string }, password: string): void {
  const forms = [password, encodeURIComponent(password), Buffer.from(`ada:${password}`).toString('base64')];
  for (const form of forms) assert.ok(!`${stdout}${stderr}`.includes(form), form);
}

/** Each way to give credentials for the server. */
const WAYS: readonly (readonly [what: string, give: (password: string) => Promise<Given>])[] = [
  [
    'a variable that the configuration file names',
    async (password) =>
      await Promise.resolve({
        config: `registries:\n  ${server.host}:\n    username: ada\n    password: env:PW\n`,
        environment: { PW: password },
      }),
  ],
  [
    'a file that the configuration file names',
    async (password) => {
      await writeFile(join(folder, 'pw'), `${password}\n`);
      return { config: `registries:\n  ${server.host}: {username: ada, password: "file:pw"}\n` };
    },
  ],
  [
    "DUCC's variables",
    async (password) => {
      const environment = { DUCC_A_IDENT: server.host, DUCC_A_USER: 'ada', DUCC_A_PASS: password };
      return await Promise.resolve({ environment: { DUCC_AUTH_REGISTRIES: 'A', ...environment } });
    },
  ],
  [
    "Docker's configuration",
    async (password) => {
      const auth = Buffer.from(`ada:${password}`).toString('base64');
      await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [server.host]: { auth } } }));
      return { environment: { DOCKER_CONFIG: folder } };
    },
  ],
  [
    'a credential helper',
    async (password) => {
      const programs = await HelperPrograms.create();
      await programs.add('x', answer('ada', password));
      await writeFile(join(folder, 'config.json'), JSON.stringify({ credsStore: 'x' }));
      return { environment: { ...programs.environment, DOCKER_CONFIG: folder } };
    },
  ],
];

describe('daemon/cycle/publishing: a registry that wants credentials', () => {
  const kinds: readonly (readonly [kind: string, protect: (basic: string) => void])[] = [
    ['tokens', (basic) => void new TokenService(server, { basic })],
    [
      'Basic',
      (basic) => {
        server.guard = (request, response) => {
          if (request.headers.authorization === basic) return false;
          response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
          return true;
        };
      },
    ],
  ];
  for (const [kind, protect] of kinds) {
    describe(`by ${kind}`, () => {
      beforeEach(() => protect(`Basic ${Buffer.from(`ada:${PASSWORD}`).toString('base64')}`));

      for (const [what, give] of WAYS) {
        it(`gets them from ${what}`, async () => {
          const { status, stdout, stderr } = await run(await give(PASSWORD));
          assert.deepEqual([status, stderr], [0, '']);
          assert.equal(stdout, IMAGE.manifest.toString());
        });

        it(`is an error with wrong ones from ${what}`, async () => {
          const result = await run(await give('wrong-horse+battery'));
          assert.equal(result.status, 1);
          assert.match(result.stderr, /^error\[unauthorized\] /m);
          assertSecret(result, 'wrong-horse+battery');
        });
      }
    });
  }
});

describe('daemon/cycle/publishing: what is printed', () => {
  for (const [what, give] of WAYS) {
    it(`never holds a password from ${what}, not even by mistake`, async () => {
      const given = await give(PASSWORD);
      const basic = Buffer.from(`ada:${PASSWORD}`).toString('base64');
      const texts = [PASSWORD, basic, encodeURIComponent(PASSWORD)];
      const leak = async (context: Parameters<Command['run']>[0]): Promise<never> => {
        server.guard = (_, response) => {
          response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
          return true;
        };
        await withRegistry(context, async (client) => {
          await client.listTags(server.reference('lab/tool')).catch(() => undefined);
        });
        for (const text of texts) context.observe({ type: 'warning', message: `it is ${text}!` });
        context.output.print('', texts);
        throw new Failure('registry-error', `sent ${texts.join(' ')}`, { hint: `not ${PASSWORD}` });
      };
      const result = await run({ ...given, command: { ...commandNamed('download-manifest'), run: leak } });
      assert.equal(result.status, 1);
      assert.equal(result.stderr.match(/it is \*\*\*!/g)?.length, texts.length);
      assertSecret(result, PASSWORD);
    });
  }

  const mistakes: readonly (readonly [what: string, config: string])[] = [
    ['a plain password', `registries:\n  quay.io:\n    username: ada\n    password: ${MISTYPED}\n`],
    ['a misspelt key', `registries:\n  quay.io:\n    pasword: ${MISTYPED}\n`],
    ['a password in a proxy', `registries:\n  quay.io:\n    proxy: https://ada:${MISTYPED}@b.c\n`],
    ['a password at the top', `password: ${MISTYPED}\n`],
    ['no YAML', `registries:\n  quay.io:\n    password: "${MISTYPED}\n`],
  ];
  for (const [what, config] of mistakes) {
    it(`never holds what a mistake in the configuration is about: ${what}`, async () => {
      const result = await run({ config });
      assert.equal(result.status, 2);
      assert.match(result.stderr, /^error\[configuration-invalid\] /);
      assertSecret(result, MISTYPED);
      assert.equal(server.seen.length, 0);
    });
  }
});

describe('daemon/cycle/publishing: the exit status of a run', () => {
  const failed = (code: FailureCode) => ({
    image: 'quay.io/lab/tool:1',
    platform: undefined,
    result: failedResult(new Failure(code, 'test')),
  });
  const report = (images: readonly PlatformResult[], stopped?: Failure): RepositoryReport => ({
    repository: 'images.unpackd.test',
    publications: 1,
    removed: [],
    isUnusable: false,
    images,
    stopped,
  });
  const cases: readonly (readonly [what: string, reports: readonly RepositoryReport[], status: number])[] = [
    ['nothing failed', [report([])], 0],
    ['an image failed', [report([failed('tag-unknown')])], 1],
    ['an image failed for a mistake', [report([failed('bug')])], 1],
    ['nothing can be published', [report([], new Failure('repository-busy', 'test'))], 3],
  ];
  for (const [what, reports, status] of cases) {
    it(`is ${status} where ${what}`, () => {
      assert.equal(statusOf(reports), status);
    });
  }
});
