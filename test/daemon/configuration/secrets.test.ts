import assert from 'node:assert/strict';
import { flatten, hideLogin, hideSecret, redact, redactLine } from '../../../daemon/configuration/secrets.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('daemon/configuration/secrets: redact', () => {
  const hidden: readonly string[] = [
    'https://ada:s3cret@quay.io/a',
    'https://s3cret@quay.io/a',
    '/etc/https:/ada:s3cret@quay.io/a',
    'https://ada:p@s3cret@quay.io/a',
    'HTTP://ada:s3cret@proxy:3128',
    'Authorization: Bearer s3cret',
    'authorization: Basic s3cret=',
    '{"Authorization":"Bearer s3cret"}',
    'Proxy-Authorization: s3cret',
    'sent Bearer s3cret12 to quay.io',
    'bearer s3cret',
    `the token ${JWT} has expired`.replace('eyJzdWIiOiJhZGEifQ', 's3cret'),
    'password=s3cret',
    'DUCC_A_PASS=s3cret',
    'MY_PASSWORD="s3cret with spaces"',
    "passwd='s3cret'",
    '"password": "s3cret"',
    '["authorization", "Bearer s3cretly"]',
    'Authorization:[Bearer s3cret]',
    'Authorization: Negotiate s3cretly',
    'Cookie: session=s3cret; theme=s3cret',
    'set-cookie: _session="s3cret"; Path=/',
    '{"set-cookie":["a=s3cret"]}',
    'grant_type=password&username=ada&password=s3cret',
    'https://lab.example.org/x?private_token=s3cret',
    'https://lab.example.org/x#access_token=s3cret',
    '{"auth":"s3cret"}',
    '{"identitytoken": "s3cret"}',
    'https://blobs.example.org/x?X-Amz-Credential=s3cret&x=1',
    'https://blobs.example.org/x?X-Amz-Signature=s3cret',
    'https://blobs.example.org/x?sv=1&sig=s3cret',
    'https://auth.example.org/?access_token=s3cret&scope=x',
    'client_secret=s3cret',
    'api_key=s3cret apiKey=s3cret',
    // control characters cannot hide a key or tear a secret
    'pass\u0000word=s3cret',
    'password=\u001b[1ms3cret',
    'https://ada:s3\u200bcret@quay.io/a',
    'Bearer\ns3cret',
  ];
  for (const text of hidden) {
    it(`hides the secret of ${JSON.stringify(text)}`, () => {
      const shown = redact(text);
      assert.doesNotMatch(shown, /s3|(?<!se)cret/);
      assert.ok(shown.includes('***'));
    });
  }

  const shown: readonly string[] = [
    'quay.io/a:1 is not there',
    `docker://quay.io/lab/a:1@${DIGEST}`,
    `https://quay.io:5000/v2/lab/a/manifests/${DIGEST}`,
    'Bearer realm="https://auth.example.org/token",service="quay.io",scope="repository:a:pull"',
    'Basic authentication is not supported',
    'the registry refused the token: it has expired',
    'the bearer token is too old',
    '/run/secrets/registry: permission denied',
    'published quay.io/a:1 at /cvmfs/unpacked.example.org/quay.io/a:1',
    'passed: 3 of 4',
    'u.yaml:5: registries: quay.io: password: the file "/etc/x" does not exist',
    'u.yaml:5: registries: quay.io: password: the environment variable X is not set; set it for unpackd',
    'u.yaml:5: registries: quay.io: password: the value cannot be used',
    'u.yaml:5: registries: quay.io: password: username is missing; give both or none',
    'wait=10m',
    'ünïcode ✓',
    // names
    'published quay.io/auth/passwd:1.0 /srv/unpackd/images.example/quay.io/auth/passwd:1.0',
    'quay.io/lab/password:latest: the registry answered 404',
    'quay.io/lab/passphrase: there is no tag 1.0',
    '/etc/passwd:1:1: error: the recipe is text',
    'published quay.io/lab/bearer /srv/unpackd/images.example/quay.io/lab/bearer',
    'published quay.io/lab/tool:basic /srv/unpackd/images.example/quay.io/lab/tool:basic',
    'quay.io/lab/authorization: Basic authentication is not supported',
    'quay.io/lab/authorization:1.2, quay.io/lab/cookie: a=b',
    'lab/token: 2 images, lab/secret:1, lab/api-key:2',
    'quay.io/lab/eyJabcdefghij.tool.latest',
    '/usr/lib/systemd/system/getty@.service, a:/b@c',
    `docker://busybox@${DIGEST}`,
    'docker://busybox@sha256:0123',
    'image: token',
    'what comes after a cookie: nothing',
  ];
  for (const text of shown) {
    it(`leaves ${JSON.stringify(text)} as it is`, () => assert.equal(redact(text), text));
  }

  it('keeps what stands around a secret', () => {
    assert.equal(
      redact('GET https://ada:s3cret@quay.io/v2/?token=s3cret&n=1: 401'),
      'GET https://***@quay.io/v2/?token=***&n=1: 401',
    );
    assert.equal(redact('Authorization: Bearer s3cret, again'), 'Authorization: Bearer ***, again');
    assert.equal(redact('"password": "a\\"b", "user": "ada"'), '"password": "***", "user": "ada"');
  });

  it('takes a time that grows with the length, not with its square', () => {
    const pieces =
      'a|a.|pass|eyJ|bearer |http://|"|\u001b]|@|auth=|token|?key|cookie: |authorization: |eyJ12345678.|"pass|\\|bearer a';
    for (const piece of pieces.split('|')) {
      assert.ok(redact(piece.repeat(20_000)).length <= piece.length * 20_000 + 60_000);
    }
  });
});

/** As JSON of other programs has it, in UTF-16. */
function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

describe('daemon/configuration/secrets: a secret that is known', () => {
  hideSecret('correct "horse" staple');
  hideSecret('tortoise');
  hideSecret('tortoise-shell');
  hideSecret('$&five&amp;');
  hideSecret('line\nbreak\u0007');
  hideSecret('latest');
  hideSecret('a');
  hideSecret('');
  hideSecret('pÀss/wörd+𝄞<1>');
  hideSecret('fedcba98765432100');
  hideLogin('ada', 'lovelace');
  hideLogin('a', 'b');
  hideLogin('ü>?', '>>>???');
  const base64 = Buffer.from('ada:lovelace').toString('base64');
  const odd = 'pÀss/wörd+𝄞<1>';
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ['the tortoise won', 'the *** won'],
    ['a tortoise-shell', 'a ***'],
    ['tor\u0000toise', '***'],
    ['(tortoise), "tortoise"', '(***), "***"'],
    ['a%3Atortoise a\\ntortoise a\\u003atortoise', 'a%3A*** a\\n*** a\\u003a***'],
    ['correct "horse" staple', '***'],
    [JSON.stringify({ a: 'correct "horse" staple' }), '{"a":"***"}'],
    [JSON.stringify(JSON.stringify({ a: 'correct "horse" staple' })), String.raw`"{\"a\":\"***\"}"`],
    [`/?q=${encodeURIComponent('correct "horse" staple')}&n=1`, '/?q=***&n=1'],
    [`/?q=correct+%22horse%22+staple&n=1`, '/?q=***&n=1'],
    ['<a b="correct &quot;horse&quot; staple"/>', '<a b="***"/>'],
    ['x$&five&amp;x', 'x***x'],
    ['a line\nbreak', 'a ***'],
    [String.raw`a line\nbreak`, 'a ***'],
    ['by lovelace', 'by ***'],
    [`sent ${base64}`, 'sent ***'],
    [`sent ${base64.replace(/=+$/, '')}, ${encodeURIComponent(base64)}`, 'sent ***, ***'],
    ['Zm9v YTpi', 'Zm9v ***'],
    [Buffer.from('ü>?:>>>???').toString('base64'), '***'],
    [Buffer.from('ü>?:>>>???').toString('base64url'), '***'],
    [odd, '***'],
    [encodeURIComponent(odd), '***'],
    [encodeURIComponent(odd).replaceAll(/%../g, (escape) => escape.toLowerCase()), '***'],
    [odd.replaceAll(/[^ -~]/gu, (one) => escaped(one)), '***'],
    ['xfedcba98765432100x', 'x***x'],
    // no secret, but a word that holds one
    ['two tortoises', 'two tortoises'],
  ];
  for (const [text, shown] of cases) {
    it(`is hidden in ${JSON.stringify(text)}`, () => assert.equal(redact(text), shown));
  }
});

describe('daemon/configuration/secrets: a known secret of fewer than 8 characters', () => {
  hideLogin('robot', 'latest1');
  hideLogin('ada', 'x');
  for (const text of [
    'quay.io/lab/tool:latest1: published',
    '{"publicPath":"quay.io/lab/x:x"}',
    'x',
    'a robot, ada:x',
  ]) {
    it(`leaves the name in ${JSON.stringify(text)}`, () => assert.equal(redact(text), text));
  }
  for (const text of [
    'https://robot:latest1@quay.io/',
    `Authorization: Basic ${Buffer.from('robot:latest1').toString('base64')}`,
    Buffer.from('robot:latest1').toString('base64'),
    Buffer.from('ada:x').toString('base64'),
    'https://auth.example.org/?password=latest1',
    'Cookie: session=latest1',
  ]) {
    it(`is hidden where it stands as a credential: ${JSON.stringify(text)}`, () => {
      assert.ok(redact(text).includes('***'));
      assert.doesNotMatch(redact(text), /latest1|YWRhOng|cm9ib3Q/);
    });
  }
});

describe('daemon/configuration/secrets: what begins a line', () => {
  for (const [text, line] of [
    ['::error::x', ': :error::x'],
    ['\n ::add-mask::x', ': :add-mask::x'],
    ['\u001b[0m::x', ': :x'],
    ['a ::error::x', 'a ::error::x'],
    [':x', ':x'],
  ] as const) {
    it(`is no command to a runner: ${JSON.stringify(text)}`, () => assert.equal(redactLine(text), line));
  }
});

describe('daemon/configuration/secrets: flatten', () => {
  const cases: readonly (readonly [text: string, line: string])[] = [
    ['a\nb\r\nc\td', 'a b c d'],
    ['a\u2028b\u0085c', 'a b c'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b]8;;https://x\u001b\\link', 'link'],
    ['a\u0000\u0007\u0008b\u009b1m', 'ab1m'],
    ['abc\u202ecba', 'abccba'],
    ['a ##[error]b ##vso[task]c ##[group]', 'a # [error]b # vso[task]c # [group]'],
    ['##\u001b[0m[x] ##\u202e[y] ###[z]', '# [x] # [y] ## [z]'],
    ['# a ## b [c] lab/a##b', '# a ## b [c] lab/a##b'],
    ['\n a \n', 'a'],
    ['', ''],
  ];
  for (const [text, line] of cases) {
    it(`makes ${JSON.stringify(text)} one line`, () => assert.equal(flatten(text), line));
  }
});
