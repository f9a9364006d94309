import assert from 'node:assert/strict';
import { isFailure, type Failure } from '../../../core/failure.ts';
import {
  formatReference,
  isPattern,
  parseReference,
  publicName,
  withTag,
  type ImageReference,
} from '../../../core/oci/reference.ts';

const HEX = '0123456789abcdef'.repeat(4);
const DIGEST = `sha256:${HEX}`;
const LONGEST_TAG = `_${'x'.repeat(127)}`;
const LONGEST_REPOSITORY = `${'r'.repeat(126)}/${'r'.repeat(128)}`;
const LONGEST_LABEL = 'l'.repeat(63);

type Expected = [
  scheme: string,
  registry: string,
  repository: string,
  tag: string | undefined,
  digest?: string,
];

const VALID: [text: string, expected: Expected][] = [
  [
    'https://registry.hub.docker.com/library/centos:centos7',
    ['https', 'registry.hub.docker.com', 'library/centos', 'centos7'],
  ],
  ['quay.io/stimela/casa:1.7.1', ['https', 'quay.io', 'stimela/casa', '1.7.1']],
  ['quay.io/stimela/casa', ['https', 'quay.io', 'stimela/casa', 'latest']],
  ['http://quay.io/stimela/casa', ['http', 'quay.io', 'stimela/casa', 'latest']],
  ['HTTPS://quay.io/a', ['https', 'quay.io', 'a', 'latest']],
  ['  quay.io/a:1\r\n', ['https', 'quay.io', 'a', '1']],
  ['Quay.IO/a:RC1', ['https', 'quay.io', 'a', 'RC1']],
  ['localhost/a', ['https', 'localhost', 'a', 'latest']],
  ['LocalHost:5000/a', ['https', 'localhost:5000', 'a', 'latest']],
  ['registry:5000/a:1', ['https', 'registry:5000', 'a', '1']],
  [
    'gitlab-p4n.aip.de:5005/compute4punch/stacks/presto:latest',
    ['https', 'gitlab-p4n.aip.de:5005', 'compute4punch/stacks/presto', 'latest'],
  ],
  ['127.0.0.1:1/a', ['https', '127.0.0.1:1', 'a', 'latest']],
  ['quay.io:65535/a', ['https', 'quay.io:65535', 'a', 'latest']],
  ['[::1]/a', ['https', '[::1]', 'a', 'latest']],
  ['http://[2001:DB8::1]:5000/a/b:2', ['http', '[2001:db8::1]:5000', 'a/b', '2']],
  [`${LONGEST_LABEL}.org/a`, ['https', `${LONGEST_LABEL}.org`, 'a', 'latest']],
  ['xn--bcher-kva.example/a', ['https', 'xn--bcher-kva.example', 'a', 'latest']],
  [`quay.io/a@${DIGEST}`, ['https', 'quay.io', 'a', undefined, DIGEST]],
  [`quay.io/a:1.2@${DIGEST}`, ['https', 'quay.io', 'a', '1.2', DIGEST]],
  [`localhost:5000/a/b@${DIGEST}`, ['https', 'localhost:5000', 'a/b', undefined, DIGEST]],
  ['ghcr.io/dluitz/bonn-comp-phys-c--dev:main', ['https', 'ghcr.io', 'dluitz/bonn-comp-phys-c--dev', 'main']],
  ['quay.io/a.b/c_d/e__f/g---h:1', ['https', 'quay.io', 'a.b/c_d/e__f/g---h', '1']],
  ['quay.io/0/1/2:3', ['https', 'quay.io', '0/1/2', '3']],
  [`quay.io/${LONGEST_REPOSITORY}:1`, ['https', 'quay.io', LONGEST_REPOSITORY, '1']],
  [`quay.io/a:${LONGEST_TAG}`, ['https', 'quay.io', 'a', LONGEST_TAG]],
  ['quay.io/a:_x.y-Z', ['https', 'quay.io', 'a', '_x.y-Z']],
  ['quay.io/a:*', ['https', 'quay.io', 'a', '*']],
  ['quay.io/a:21.2.1*', ['https', 'quay.io', 'a', '21.2.1*']],
  ['quay.io/a:*-stable', ['https', 'quay.io', 'a', '*-stable']],
  ['quay.io/a:**', ['https', 'quay.io', 'a', '**']],
];

/** The third column is what the hint must hold. */
const INVALID: [what: string, text: string, hint?: string][] = [
  ['empty', ''],
  ['white space alone', ' \t '],
  ['a space within', 'quay.io/a b'],
  ['a line break within', 'quay.io/a\nquay.io/b'],
  ['a tab within', 'quay.io/a:\t1'],
  ['NUL', 'quay.io/a\u0000'],
  ['an escape sequence', 'quay.io/\u001b[31ma'],
  ['a bidirectional control', 'quay.io/\u202ea'],
  ['the scheme docker', 'docker://quay.io/a', 'leave out docker://'],
  ['the scheme file', 'file:///etc/passwd', 'https://'],
  ['the scheme oci', 'oci://quay.io/a'],
  ['a scheme alone', 'https://'],
  ['a scheme with one slash', 'https:/quay.io/a'],
  ['no registry', 'debian:12', 'docker.io/library/debian:12'],
  ['no registry and no tag', 'debian', 'docker.io/library/debian'],
  ['no registry, a tag with a dot', 'debian:12.5', 'docker.io/library/debian:12.5'],
  ['a namespace for a registry', 'library/debian:bookworm', 'docker.io/library/debian:bookworm'],
  ['a namespace for a registry, with a digest', `cvmfs/ubuntu@${DIGEST}`, `docker.io/cvmfs/ubuntu@${DIGEST}`],
  ['a namespace after a scheme', 'https://cvmfs/ubuntu', 'docker.io/cvmfs/ubuntu'],
  ['a registry alone', 'quay.io'],
  ['a registry with port alone', 'localhost:5000'],
  ['a registry and a slash', 'quay.io/'],
  ['a registry and a tag', 'quay.io/:1'],
  ['no host', '/a/b'],
  ['a host that begins with a dash', '-quay.io/a'],
  ['a host that ends in a dot', 'quay.io./a'],
  ['a host of dots', '../a'],
  ['a host with an empty label', 'quay..io/a'],
  ['a host with an underscore', 'my_host.org/a'],
  ['a host with other letters', 'büro.example/a'],
  ['a label over 63 characters', `l${LONGEST_LABEL}.org/a`],
  ['a host over 253 characters', `${`${LONGEST_LABEL}.`.repeat(4)}org/a`],
  ['half an IPv4 address', '1.2.3/a'],
  ['an IPv4 address out of range', '1.2.3.256/a'],
  ['an IPv6 address without brackets', '::1/a'],
  ['an IPv6 address with a zone', '[fe80::1%eth0]/a'],
  ['no IPv6 address', '[hello]/a'],
  ['an open bracket', '[::1/a'],
  ['text after the bracket', '[::1]x/a'],
  ['port 0', 'quay.io:0/a'],
  ['port 65536', 'quay.io:65536/a'],
  ['a port with a leading zero', 'quay.io:0443/a'],
  ['an empty port', 'quay.io:/a'],
  ['a port of letters', 'quay.io:https/a'],
  ['upper case in the repository', 'quay.io/Stimela/casa', 'stimela'],
  ['a leading dot in a component', 'quay.io/.layers/a'],
  ['..', 'quay.io/a/../b'],
  ['.', 'quay.io/./a'],
  ['what CernVM-FS acts on', 'quay.io/a/.cvmfscatalog'],
  ['a tag that CernVM-FS would act on', 'quay.io/a:.cvmfsbundle-x'],
  ['a host that CernVM-FS keeps for itself', '.cvmfs/a'],
  ['an empty component', 'quay.io/a//b'],
  ['a trailing slash', 'quay.io/a/'],
  ['a component that ends in a dash', 'quay.io/a-'],
  ['three underscores', 'quay.io/a___b'],
  ['two dots', 'quay.io/a..b'],
  ['a per cent sign', 'quay.io/a%2fb'],
  ['a backslash', 'quay.io/a\\b'],
  ['a star in the repository', 'quay.io/a*/b:1'],
  ['a tag before the last component', 'quay.io/a:1/b'],
  ['256 characters of repository', `quay.io/r${LONGEST_REPOSITORY}`],
  ['an empty tag', 'quay.io/a:'],
  ['two tags', 'quay.io/a:1:2'],
  ['a tag that begins with a dot', 'quay.io/a:.1'],
  ['a tag that begins with a dash', 'quay.io/a:-1'],
  ['a tag of 129 characters', `quay.io/a:${LONGEST_TAG}x`],
  ['a tag with a plus', 'quay.io/a:1+2'],
  ['a pattern with a class', 'quay.io/a:[0-9]*'],
  ['a pattern with braces', 'quay.io/a:{1,2}*'],
  ['a pattern with a question mark', 'quay.io/a:1.?*'],
  ['a pattern of 129 characters', `quay.io/a:${'*'.repeat(129)}`],
  ['a pattern with a digest', `quay.io/a:1*@${DIGEST}`],
  ['an empty digest', 'quay.io/a@'],
  ['63 digits', `quay.io/a@sha256:${HEX.slice(1)}`],
  ['65 digits', `quay.io/a@${DIGEST}0`],
  ['upper-case digits', `quay.io/a@sha256:${HEX.toUpperCase()}`],
  ['a digest without algorithm', `quay.io/a@${HEX}`],
  ['sha512', `quay.io/a@sha512:${HEX}${HEX}`, 'sha256'],
  ['two digests', `quay.io/a@${DIGEST}@${DIGEST}`],
  ['a path after the digest', `quay.io/a@${DIGEST}/b`],
  ['a tag after the digest', `quay.io/a@${DIGEST}:1`],
  ['a version for a digest', 'quay.io/a@1.2'],
  ['a query string', 'quay.io/a?x=1'],
  ['a fragment', 'quay.io/a#x'],
  ['a public name over 255 bytes', `quay.io/${'r'.repeat(130)}:${'t'.repeat(127)}`],
];

describe('core/oci/reference: parseReference', () => {
  for (const [text, [scheme, registry, repository, tag, digest]] of VALID) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseReference(text), { scheme, registry, repository, tag, digest });
    });
  }

  for (const [what, text, hint = ''] of INVALID) {
    it(`refuses ${what}: ${JSON.stringify(text)}`, () => {
      const failure = failureOf(text);
      assert.equal(failure.code, 'reference-invalid');
      assert.ok(failure.hint?.includes(hint), failure.hint);
      assert.doesNotMatch(failure.message, /[\p{Cc}\p{Cf}]/u);
    });
  }

  it('names the scheme and the digest algorithm that it refuses', () => {
    assert.match(failureOf('docker://quay.io/a').message, /scheme "docker"/);
    assert.match(failureOf(`quay.io/a@sha512:${HEX}`).message, /algorithm "sha512"/);
  });

  it('accepts what its hint proposes', () => {
    const proposals = INVALID.flatMap(([, text]) => /docker\.io\S+$/.exec(failureOf(text).hint ?? '') ?? []);
    assert.notEqual(proposals.length, 0);
    for (const proposal of proposals) assert.equal(parseReference(proposal).registry, 'docker.io');
  });
});

describe('core/oci/reference: parseReference, given a password', () => {
  const texts = [
    'https://user:s3cret@quay.io/a:1',
    'user:s3cret@quay.io/a',
    's3cret@quay.io/a',
    'user:s3cret@quay.io',
    'user:s3/cret@quay.io/a',
    'user:s3/cret@quay.io',
    'user:p@s3cret@quay.io/a',
    'user:s3 cret@quay.io/a',
    'ftp://user:s3cret@quay.io/a',
    `https://user:s3cret@quay.io:5000/a@${DIGEST}`,
    'https://quay.io/a?token=s3cret',
    'https://quay.io/a?s3cret',
    'debian?s3cret',
    'https://quay.io/a:1?token=s3cret',
    'https://quay.io/a:1?token:s3cret',
    'https://quay.io/a:1?s3cret=',
    'https://quay.io/a:[?token=s3cret',
    'https://quay.io/v2/a:1/b?s3cret',
  ];
  for (const patterns of ['stars', 'full'] as const) {
    for (const text of texts) {
      it(`refuses ${JSON.stringify(text)} without telling the password, where patterns are ${patterns}`, () => {
        const failure = failureOf(text, patterns);
        assert.equal(failure.code, 'reference-invalid');
        assert.doesNotMatch(`${failure.message} ${failure.hint} ${String(failure.cause)}`, /s3|cret/);
      });
    }
  }
});

describe('core/oci/reference: formatReference and publicName', () => {
  const cases: [text: string, name: string][] = [
    ['https://Quay.io/a/b', 'quay.io/a/b:latest'],
    ['http://localhost:5000/a:1', 'localhost:5000/a:1'],
    [`quay.io/a@${DIGEST}`, `quay.io/a@${DIGEST}`],
    [`quay.io/a:1@${DIGEST}`, `quay.io/a:1@${DIGEST}`],
  ];
  for (const [text, name] of cases) {
    it(`${text} is ${name}`, () => {
      const reference = parseReference(text);
      assert.equal(formatReference(reference), name);
      assert.equal(publicName(reference), name);
      assert.deepEqual({ ...parseReference(name), scheme: reference.scheme }, reference);
    });
  }

  it('gives a pattern no public name', () => {
    const pattern = parseReference('quay.io/a:1*');
    assert.equal(formatReference(pattern), 'quay.io/a:1*');
    assert.throws(() => publicName(pattern), isProgrammersMistake);
  });
});

describe('core/oci/reference: parseReference, with all patterns', () => {
  const tags = [
    '1.*',
    '1.?',
    '[0-9]*',
    '[!a]x',
    '{1,2}.*',
    '1.2{,-rc?}',
    '{1..3}',
    `{${'1.2.3,'.repeat(40)}x}`,
  ];
  for (const tag of tags) {
    it(`reads the pattern ${tag.slice(0, 40)}`, () => {
      const text = `http://localhost:5000/a/b:${tag}`;
      const expected = {
        scheme: 'http',
        registry: 'localhost:5000',
        repository: 'a/b',
        tag,
        digest: undefined,
      };
      const reference = parseReference(text, { patterns: 'full' });
      assert.deepEqual(reference, expected);
      assert.ok(isPattern(tag));
      assert.throws(() => publicName(reference), isProgrammersMistake);
      if (/[^1.*]/.test(tag)) assert.equal(failureOf(text).code, 'reference-invalid');
    });
  }

  for (const [text, [scheme, registry, repository, tag, digest]] of VALID) {
    it(`reads ${JSON.stringify(text)} as ever`, () => {
      const expected = { scheme, registry, repository, tag, digest };
      assert.deepEqual(parseReference(text, { patterns: 'full' }), expected);
    });
  }

  const stillInvalid = INVALID.filter(
    ([what]) => !/^a pattern with (?:a class|braces|a question)/.test(what),
  );
  for (const [what, text] of [
    ...stillInvalid,
    ['a brace that stays open', 'quay.io/a:{1,2'],
    ['a class that stays open', 'quay.io/a:[1'],
    ['too many alternatives', `quay.io/a:${'{1,2}'.repeat(20)}`],
    ['an exclusion', 'quay.io/a:!1.*'],
    ['a range', 'quay.io/a:^1.2'],
    ['a full pattern with a digest', `quay.io/a:1.?@${DIGEST}`],
    ['a question mark in the repository', 'quay.io/a?/b:1'],
    ['a class in the repository', 'quay.io/[ab]:1'],
    ['braces in the repository', 'quay.io/{a,b}:1'],
  ] as const) {
    it(`refuses ${what}`, () => assert.equal(failureOf(text, 'full').code, 'reference-invalid'));
  }

  it('proposes a reference with the same pattern', () => {
    assert.ok(failureOf('debian:1[0-9]', 'full').hint?.includes('docker.io/library/debian:1[0-9]'));
    assert.ok(!failureOf('debian:1[0-9]').hint?.includes('docker.io/library/debian:1[0-9]'));
  });
});

describe('core/oci/reference: isPattern', () => {
  it('is true where a tag holds a wildcard', () => {
    for (const tag of ['*', '1.*', '?', '[a]', '{a,b}']) assert.ok(isPattern(tag), tag);
    for (const tag of ['1', 'a.b', '_', LONGEST_TAG]) assert.ok(!isPattern(tag), tag);
  });
});

describe('core/oci/reference: withTag', () => {
  const pattern: ImageReference = parseReference(`http://quay.io/${'r'.repeat(200)}:*`);

  it('puts a tag in the place of a pattern', () => {
    assert.deepEqual(withTag(pattern, '1.0'), { ...pattern, tag: '1.0' });
  });

  for (const tag of [
    '',
    '..',
    '../../etc',
    '.hidden',
    '-x',
    'a/b',
    'a b',
    'a\n',
    '*',
    'a'.repeat(129),
    'a'.repeat(60),
  ]) {
    it(`refuses ${JSON.stringify(tag)}`, () => {
      assert.throws(
        () => withTag(pattern, tag),
        (error) => isFailure(error, 'reference-invalid'),
      );
    });
  }
});

function failureOf(text: string, patterns: 'stars' | 'full' = 'stars'): Failure {
  try {
    parseReference(text, { patterns });
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(text)} was accepted` });
}

function isProgrammersMistake(error: unknown): boolean {
  return error instanceof Error && !isFailure(error);
}
