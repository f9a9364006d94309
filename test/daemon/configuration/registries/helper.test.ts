import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { redact } from '../../../../daemon/configuration/secrets.ts';
import { askHelper, isHelperName, TtlCache } from '../../../../daemon/configuration/registries/helper.ts';
import { Failure } from '../../../../core/failure.ts';
import { hasCode } from '../../../../core/system-error.ts';
import { failureOf } from '../../../support/registry/quick-client.ts';
import { answer, HelperPrograms } from './helper-program.ts';

const NOT_FOUND = 'credentials not found in native keychain';

let programs: HelperPrograms;

before(async () => {
  programs = await HelperPrograms.create();
});

async function ask(
  name: string,
  { timeLimitMs = 60_000, signal }: { timeLimitMs?: number; signal?: AbortSignal } = {},
) {
  const limits = { environment: programs.environment, timeLimitMs, signal };
  return await askHelper({ name, host: 'quay.io', server: 'https://quay.io/v1/' }, limits);
}

describe('daemon/configuration/registries/helper: askHelper', () => {
  it('is asked with "get" and the registry on its standard input, and gives user and password', async () => {
    await programs.add(
      'good',
      `printf '%s|%s' "$*" "$(cat)" >"$FOLDER/asked"\n${answer('ada', 'long s3cret\\"é')}`,
    );
    assert.deepEqual(await ask('good'), {
      user: 'ada',
      password: 'long s3cret\\"é',
      origin: 'docker-credential-good',
    });
    assert.equal(readFileSync(programs.path('asked'), 'utf8'), 'get|https://quay.io/v1/');
    assert.equal(redact('it is long s3cret\\"é'), 'it is ***');
  });

  it('gives an identity token', async () => {
    await programs.add('token', answer('<token>', 'identity-t0ken'));
    assert.deepEqual(await ask('token'), {
      user: '<token>',
      password: '',
      identityToken: 'identity-t0ken',
      origin: 'docker-credential-token',
    });
    assert.equal(redact('identity-t0ken'), '***');
  });

  it('may leave its input unread', async () => {
    await programs.add('deaf', `exec <&-\n${answer('ada', 'p')}`);
    assert.equal((await ask('deaf'))?.password, 'p');
  });

  it('may know nothing', async () => {
    await programs.add('none', `cat >/dev/null; echo '${NOT_FOUND}'; exit 1`);
    assert.equal(await ask('none'), undefined);
  });

  const failures: readonly (readonly [what: string, name: string, script: string, reason: RegExp])[] = [
    ['fails', 'fails', 'echo "s3cret"; echo "s3cret" >&2; exit 3', /exit status 3$/],
    [
      'fails with a text that is not only the usual one',
      'talks',
      `echo 's3cret ${NOT_FOUND}'; exit 1`,
      /exit status 1$/,
    ],
    ['says that it knows nothing, and succeeds', 'odd', `echo '${NOT_FOUND}'`, /no JSON/],
    ['is killed', 'killed', 'echo s3cret; kill -9 $$', /SIGKILL$/],
    ['prints no JSON', 'text', 'echo "password is s3cret"', /no JSON/],
    ['prints nothing', 'nothing', 'true', /no JSON/],
    ['prints other JSON', 'other', `echo '{"Username":"s3cret"}'`, /no JSON/],
    ['prints no object', 'list', `echo '["s3cret"]'`, /no JSON/],
    ['prints an empty secret', 'empty', answer('s3cret', ''), /no JSON/],
    ['prints without end', 'endless', 'exec yes s3cret', /1 MiB$/],
  ];
  for (const [what, name, script, reason] of failures) {
    it(`is a failure where it ${what}`, async () => {
      await programs.add(name, script);
      await assertUnavailable(ask(name), name, reason);
    });
  }

  it('is a failure where it is missing', async () => {
    await assertUnavailable(ask('missing'), 'missing', /PATH/);
  });

  it('is a failure where it is no program', async () => {
    await programs.add('data', answer('ada', 's3cret'), 0o644);
    await assertUnavailable(ask('data'), 'data', /EACCES/);
  });

  it('is a failure where it does not end in time, also when only its children hang', async () => {
    await programs.add('hangs', 'echo s3cret; exec sleep 600');
    await assertUnavailable(ask('hangs', { timeLimitMs: 50 }), 'hangs', /0\.05 s$/);
    await programs.add('leaves', 'sleep 600 &');
    await assertUnavailable(ask('leaves', { timeLimitMs: 500 }), 'leaves', /0\.5 s$/);
  });

  it('ends with all its processes when the run is interrupted', async () => {
    await programs.add(
      'waits',
      'sleep 600 &\necho "$$ $!" >"$FOLDER/new" && mv "$FOLDER/new" "$FOLDER/processes"\nwait',
    );
    const controller = new AbortController();
    const work = failureOf(ask('waits', { signal: controller.signal }));
    while (!existsSync(programs.path('processes'))) await sleep(5);
    controller.abort(new Failure('interrupted', 'stopped'));
    assert.equal((await work).message, 'stopped');
    const processes = readFileSync(programs.path('processes'), 'utf8').trim().split(' ');
    assert.equal(processes.length, 2);
    while (processes.some(runs)) await sleep(5);
  });

  it('is not started after the interruption', async () => {
    await programs.add('late', `touch "$FOLDER/late"; ${answer('ada', 'p')}`);
    const signal = AbortSignal.abort(new Failure('interrupted', 'stopped'));
    assert.equal((await failureOf(ask('late', { signal }))).code, 'interrupted');
    assert.ok(!existsSync(programs.path('late')));
  });

  it('has a name of letters, digits and . _ -', () => {
    for (const name of ['pass', 'ecr-login', 'a.b_C-1']) assert.ok(isHelperName(name), name);
    for (const name of ['', '../x', 'a/b', 'a b', 'a\n', 'a;b', 'ä']) assert.ok(!isHelperName(name), name);
  });
});

async function assertUnavailable(work: Promise<unknown>, name: string, reason: RegExp): Promise<void> {
  const { code, message, hint, cause } = await failureOf(work);
  assert.equal(code, 'credentials-unavailable');
  assert.ok(message.includes('quay.io') && message.includes(`docker-credential-${name}`), message);
  assert.match(message, reason);
  assert.doesNotMatch(`${message} ${hint} ${String(cause)}`, /s3cret/);
}

/** A process that has ended but that nobody has waited for does not run any more. */
function runs(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return false;
    throw error;
  }
}

describe('daemon/configuration/registries/helper: TtlCache', () => {
  let now = 0;
  let asked = 0;
  let cache: TtlCache<number>;

  beforeEach(() => {
    now = 0;
    asked = 0;
    cache = new TtlCache({ valueMs: 100, failureMs: 10 }, () => now);
  });

  async function next(): Promise<number> {
    asked++;
    return await Promise.resolve(asked);
  }

  async function fail(): Promise<number> {
    asked++;
    return await Promise.reject(new Error(`question ${asked}`));
  }

  it('are asked for once at a time, and by key', async () => {
    assert.deepEqual(
      await Promise.all([
        cache.getOrFetch('a', next),
        cache.getOrFetch('a', next),
        cache.getOrFetch('b', next),
      ]),
      [1, 1, 2],
    );
  });

  it('count for their time from when they come', async () => {
    const first = cache.getOrFetch('a', async () => {
      now = 50;
      return await next();
    });
    assert.equal(await first, 1);
    now = 149;
    assert.equal(await cache.getOrFetch('a', next), 1);
    now = 150;
    assert.equal(await cache.getOrFetch('a', next), 2);
  });

  it('are failures for all who wait, and for a shorter time', async () => {
    const failed = [cache.getOrFetch('a', fail), cache.getOrFetch('a', next)];
    for (const answer of failed) await assert.rejects(answer, /question 1/);
    now = 9;
    await assert.rejects(cache.getOrFetch('a', next), /question 1/);
    now = 10;
    assert.equal(await cache.getOrFetch('a', next), 2);
  });
});
