import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import { isPattern, parseReference } from '../../../core/oci/reference.ts';
import { parseTagEntry, tagMatcher } from '../../../wishlist/tags/tag-entry.ts';

const HEX = '0123456789abcdef'.repeat(4);
const DIGEST = `sha256:${HEX}`;

/** `text` and what it means: its parts, or what its author is told, in full. */
type Row = [text: string, meaning: string];

/** In recipes of version 1, and on the command line. */
const REFERENCES: Row[] = [
  ['quay.io/stimela/casa:1.7.1', 'https, quay.io, stimela/casa, tag 1.7.1'],
  ['quay.io/stimela/casa', 'https, quay.io, stimela/casa, tag latest'],
  [
    'https://registry.hub.docker.com/library/centos:centos7',
    'https, registry.hub.docker.com, library/centos, tag centos7',
  ],
  ['http://localhost:5000/a:1', 'http, localhost:5000, a, tag 1'],
  ['HTTPS://Quay.IO/a:RC1', 'https, quay.io, a, tag RC1'],
  ['  quay.io/a:1\r\n', 'https, quay.io, a, tag 1'],
  [
    'gitlab-p4n.aip.de:5005/compute4punch/stacks/presto:latest',
    'https, gitlab-p4n.aip.de:5005, compute4punch/stacks/presto, tag latest',
  ],
  ['[::1]:5000/a/b:2', 'https, [::1]:5000, a/b, tag 2'],
  ['http://[2001:DB8::1]/a', 'http, [2001:db8::1], a, tag latest'],
  ['127.0.0.1/a', 'https, 127.0.0.1, a, tag latest'],
  [`quay.io/a@${DIGEST}`, `https, quay.io, a, no tag, digest ${DIGEST}`],
  [`quay.io/a:1.2@${DIGEST}`, `https, quay.io, a, tag 1.2, digest ${DIGEST}`],
  ['quay.io/a.b/c_d/e__f/g---h:1', 'https, quay.io, a.b/c_d/e__f/g---h, tag 1'],
  ['quay.io/a:21.2.1*', 'https, quay.io, a, pattern 21.2.1*'],
  ['quay.io/a:*-stable', 'https, quay.io, a, pattern *-stable'],
  [
    '',
    '"" is not a valid image reference: it is empty; write REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST], such as docker.io/library/debian:12',
  ],
  [
    'debian',
    '"debian" is not a valid image reference: it does not begin with a registry; for the image at Docker Hub, write docker.io/library/debian',
  ],
  [
    'debian:12',
    '"debian:12" is not a valid image reference: it does not begin with a registry; for the image at Docker Hub, write docker.io/library/debian:12',
  ],
  [
    'cvmfs/ubuntu:22.04',
    '"cvmfs/ubuntu:22.04" is not a valid image reference: it does not begin with a registry; for the image at Docker Hub, write docker.io/cvmfs/ubuntu:22.04',
  ],
  [
    'quay.io',
    '"quay.io" is not a valid image reference: it names a registry and no repository; write REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST], such as docker.io/library/debian:12',
  ],
  [
    'localhost:5000',
    '"localhost:5000" is not a valid image reference: it names a registry and no repository; write REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST], such as docker.io/library/debian:12',
  ],
  [
    'quay.io/',
    '"quay.io/" is not a valid image reference: it names no repository; write REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST], such as docker.io/library/debian:12',
  ],
  [
    'quay.io/:1',
    '"quay.io/:1" is not a valid image reference: it names no repository; write REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST], such as docker.io/library/debian:12',
  ],
  [
    'quay.io/a b',
    '"quay.io/a b" is not a valid image reference: it holds white space or a control character; write one image a line, without spaces',
  ],
  [
    'quay.io/a\nquay.io/b',
    '"quay.io/a\\nquay.io/b" is not a valid image reference: it holds white space or a control character; write one image a line, without spaces',
  ],
  [
    'quay.io/\u202ea',
    '"quay.io/\\u{202e}a" is not a valid image reference: it holds white space or a control character; write one image a line, without spaces',
  ],
  [
    'docker://quay.io/a',
    '"docker://quay.io/a" is not a valid image reference: the scheme "docker" is unknown; leave out docker://',
  ],
  [
    'https:/quay.io/a',
    '"https:/quay.io/a" is not a valid image reference: the registry "https:" has no port from 1 to 65535; correct the port, or leave out the colon for the standard port',
  ],
  [
    '-quay.io/a',
    '"-quay.io/a" is not a valid image reference: the registry "-quay.io" is not a valid host name or address; write REGISTRY[:PORT]/REPOSITORY[:TAG], such as quay.io/fedora/fedora:40 or [::1]:5000/tools/editor:1',
  ],
  [
    '1.2.3/a',
    '"1.2.3/a" is not a valid image reference: the registry "1.2.3" is not a valid host name or address; write REGISTRY[:PORT]/REPOSITORY[:TAG], such as quay.io/fedora/fedora:40 or [::1]:5000/tools/editor:1',
  ],
  [
    '::1/a',
    '"::1/a" is not a valid image reference: the registry "::1" is not a valid host name or address; write REGISTRY[:PORT]/REPOSITORY[:TAG], such as quay.io/fedora/fedora:40 or [::1]:5000/tools/editor:1',
  ],
  [
    '[fe80::1%eth0]/a',
    '"[fe80::1%eth0]/a" is not a valid image reference: the registry "[fe80::1%eth0]" is not a valid host name or address; write REGISTRY[:PORT]/REPOSITORY[:TAG], such as quay.io/fedora/fedora:40 or [::1]:5000/tools/editor:1',
  ],
  [
    'quay.io:0/a',
    '"quay.io:0/a" is not a valid image reference: the registry "quay.io:0" has no port from 1 to 65535; correct the port, or leave out the colon for the standard port',
  ],
  [
    'quay.io:https/a',
    '"quay.io:https/a" is not a valid image reference: the registry "quay.io:https" has no port from 1 to 65535; correct the port, or leave out the colon for the standard port',
  ],
  [
    'quay.io/Stimela/casa',
    '"quay.io/Stimela/casa" is not a valid image reference: the repository component "Stimela" is not made of lower-case letters and digits, with single . or _, two _, or any number of - between them; repositories are in lower case: write stimela',
  ],
  [
    'quay.io/a//b',
    '"quay.io/a//b" is not a valid image reference: the repository has an empty component; remove the superfluous slash',
  ],
  [
    'quay.io/a/../b',
    '"quay.io/a/../b" is not a valid image reference: the repository component ".." is not made of lower-case letters and digits, with single . or _, two _, or any number of - between them; correct the name; only the last component can have a tag',
  ],
  [
    'quay.io/a*/b:1',
    '"quay.io/a*/b:1" is not a valid image reference: the repository component "a*" is not made of lower-case letters and digits, with single . or _, two _, or any number of - between them; correct the name; only the last component can have a tag',
  ],
  [
    'quay.io/a:1/b',
    '"quay.io/a:1/b" is not a valid image reference: the repository component "a:1" is not made of lower-case letters and digits, with single . or _, two _, or any number of - between them; correct the name; only the last component can have a tag',
  ],
  [
    `quay.io/${'r'.repeat(256)}`,
    `"quay.io/${'r'.repeat(256)}" is not a valid image reference: the repository has 256 characters, and 255 are allowed; correct the name`,
  ],
  [
    'quay.io/a:',
    '"quay.io/a:" is not a valid image reference: the tag "" is not made of up to 128 letters, digits and . _ -, or begins with . or -; correct the tag; leave out the colon for the tag latest',
  ],
  [
    'quay.io/a:-1',
    '"quay.io/a:-1" is not a valid image reference: the tag "-1" is not made of up to 128 letters, digits and . _ -, or begins with . or -; correct the tag; leave out the colon for the tag latest',
  ],
  [
    'quay.io/a:1+2',
    '"quay.io/a:1+2" is not a valid image reference: the tag "1+2" is not made of up to 128 letters, digits and . _ -, or begins with . or -; correct the tag; leave out the colon for the tag latest',
  ],
  [
    'quay.io/a:[0-9]',
    '"quay.io/a:[0-9]" is not a valid image reference: the tag "[0-9]" is not made of up to 128 letters, digits and . _ -, or begins with . or -; correct the tag; leave out the colon for the tag latest',
  ],
  [
    'quay.io/a:[0-9]*',
    '"quay.io/a:[0-9]*" is not a valid image reference: the tag pattern "[0-9]*" is not made of up to 128 letters, digits, . _ - and *, or begins with . or -; correct the pattern; * stands for any number of characters and is the only wildcard',
  ],
  [
    'quay.io/a:{1,2}',
    '"quay.io/a:{1,2}" is not a valid image reference: the tag "{1,2}" is not made of up to 128 letters, digits and . _ -, or begins with . or -; correct the tag; leave out the colon for the tag latest',
  ],
  [
    'quay.io/a:1.?',
    '"quay.io/a:1.?" is not a valid image reference: it holds a ? or #, and a reference has no query string or fragment; remove it; in a tag, * stands for any number of characters and is the only wildcard',
  ],
  [
    `quay.io/a:1*@${DIGEST}`,
    `"quay.io/a:1*@${DIGEST}" is not a valid image reference: a tag pattern cannot be combined with a digest; remove the digest, or name one tag`,
  ],
  [
    'quay.io/a@',
    '"quay.io/a@" is not a valid image reference: the digest "" is not sha256: and 64 hexadecimal digits in lower case; copy the whole digest from the registry; a tag follows a colon',
  ],
  [
    'quay.io/a@sha256:0123',
    '"quay.io/a@sha256:0123" is not a valid image reference: the digest "sha256:0123" is not sha256: and 64 hexadecimal digits in lower case; copy the whole digest from the registry; a tag follows a colon',
  ],
  [
    `quay.io/a@sha256:${HEX.toUpperCase()}`,
    `"quay.io/a@sha256:${HEX.toUpperCase()}" is not a valid image reference: the digest "sha256:${HEX.toUpperCase()}" is not sha256: and 64 hexadecimal digits in lower case; copy the whole digest from the registry; a tag follows a colon`,
  ],
  [
    `quay.io/a@sha512:${HEX}${HEX}`,
    `"quay.io/a@sha512:${HEX}${HEX}" is not a valid image reference: the digest algorithm "sha512" is not supported; give the sha256 digest`,
  ],
  [
    'quay.io/a@1.2',
    '"quay.io/a@1.2" is not a valid image reference: the digest "1.2" is not sha256: and 64 hexadecimal digits in lower case; copy the whole digest from the registry; a tag follows a colon',
  ],
  [
    'user:s3cret@quay.io/a:1',
    '"***@quay.io/a:1" is not a valid image reference: the @ must be followed by a digest; a user name or password has no place in it; remove what stands before the @, and give the credentials of the registry to unpackd itself',
  ],
  [
    'busybox@sha256:12ab',
    '"busybox@sha256:12ab" is not a valid image reference: it does not begin with a registry; write REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST], such as docker.io/library/debian:12',
  ],
  [
    'https://token@quay.io/a',
    '"https://***@quay.io/a" is not a valid image reference: the @ must be followed by a digest; a user name or password has no place in it; remove what stands before the @, and give the credentials of the registry to unpackd itself',
  ],
  [
    'quay.io/a?token=s3cret',
    '"quay.io/a?***" is not a valid image reference: it holds a ? or #, and a reference has no query string or fragment; remove it; in a tag, * stands for any number of characters and is the only wildcard',
  ],
  [
    'quay.io/a#x',
    '"quay.io/a#x" is not a valid image reference: it holds a ? or #, and a reference has no query string or fragment; remove it; in a tag, * stands for any number of characters and is the only wildcard',
  ],
  [
    `quay.io/${'r'.repeat(130)}:${'t'.repeat(127)}`,
    `"quay.io/${'r'.repeat(130)}:${'t'.repeat(127)}" is not a valid image reference: the last part of its public name has 258 bytes, and 255 are allowed; use a shorter tag, or the digest without tag`,
  ],
];

/** In recipes of version 2. */
const REFERENCES_WITH_ALL_PATTERNS: Row[] = [
  ['quay.io/a:1.7', 'https, quay.io, a, tag 1.7'],
  ['quay.io/a:1.*', 'https, quay.io, a, pattern 1.*'],
  ['quay.io/a:1.?', 'https, quay.io, a, pattern 1.?'],
  ['quay.io/a:v[0-9].[!0]', 'https, quay.io, a, pattern v[0-9].[!0]'],
  ['quay.io/a:{22,24}.04*', 'https, quay.io, a, pattern {22,24}.04*'],
  [
    'debian:1.?',
    '"debian:1.?" is not a valid image reference: it does not begin with a registry; for the image at Docker Hub, write docker.io/library/debian:1.?',
  ],
  [
    'quay.io/a:{1,2',
    '"quay.io/a:{1,2" is not a valid image reference: the tag pattern "{1,2" has a brace without counterpart, or no comma in braces; write {a,b} for a or b',
  ],
  [
    'quay.io/a:{1}',
    '"quay.io/a:{1}" is not a valid image reference: the tag pattern "{1}" has a brace without counterpart, or no comma in braces; write {a,b} for a or b',
  ],
  [
    'quay.io/a:1,2',
    '"quay.io/a:1,2" is not a valid image reference: the tag "1,2" is not made of up to 128 letters, digits and . _ -, or begins with . or -; correct the tag; leave out the colon for the tag latest',
  ],
  [
    'quay.io/a:[1',
    '"quay.io/a:[1" is not a valid image reference: the tag pattern "[1" has a class that is empty, not closed, or holds more than letters, digits and . _ -; write [abc] or [a-z] for one of these characters, [!abc] for any other',
  ],
  [
    'quay.io/a:[^1]',
    '"quay.io/a:[^1]" is not a valid image reference: the tag pattern "[^1]" excludes characters with ^; write [!abc]',
  ],
  [
    'quay.io/a:[3-1]',
    '"quay.io/a:[3-1]" is not a valid image reference: the tag pattern "[3-1]" has the range "3-1", which runs backwards; write 1-3',
  ],
  [
    'quay.io/a:(1|2)',
    '"quay.io/a:(1|2)" is not a valid image reference: the tag pattern "(1|2)" holds "(", which no tag does; patterns are not regular expressions: write * for any number of characters, {a,b} for a or b',
  ],
  [
    'quay.io/a:1\\.*',
    '"quay.io/a:1\\\\.*" is not a valid image reference: the tag pattern "1\\\\.*" holds a backslash, and nothing can be escaped; remove it: only * ? [ ] { } and the comma in braces have a meaning, and no tag holds them',
  ],
  [
    'quay.io/a:!1.*',
    '"quay.io/a:!1.*" is not a valid image reference: the tag pattern "!1.*" holds a ! outside of a class; to leave tags out, begin an entry of a list of tags with !, such as !*-rc*',
  ],
  [
    'quay.io/a:>=1.2',
    '"quay.io/a:>=1.2" is not a valid image reference: the tag pattern ">=1.2" holds ">", which no tag does; write a range of versions as an entry of its own in a list of tags, such as >=21.2 <22',
  ],
  [
    `quay.io/a:${'{1,2}'.repeat(10)}`,
    `"quay.io/a:${'{1,2}'.repeat(10)}" is not a valid image reference: the tag pattern "${'{1,2}'.repeat(10)}" stands for more than 1000 alternatives; shorten what is in braces, or write a * instead`,
  ],
  [
    `quay.io/a:1.?@${DIGEST}`,
    `"quay.io/a:1.?@${DIGEST}" is not a valid image reference: a tag pattern cannot be combined with a digest; remove the digest, or name one tag`,
  ],
  [
    'quay.io/a?token=s3cret',
    '"quay.io/a?***" is not a valid image reference: it holds a ? or #, and a reference has no query string or fragment; remove it; only in a tag are there wildcards: * ? […] {…}',
  ],
  [
    'quay.io/a:1?token=s3cret',
    '"quay.io/a:1?***" is not a valid image reference: it holds a ? or #, and a reference has no query string or fragment; remove it; only in a tag are there wildcards: * ? […] {…}',
  ],
  [
    'quay.io/{a,b}:1',
    '"quay.io/{a,b}:1" is not a valid image reference: the repository component "{a,b}" is not made of lower-case letters and digits, with single . or _, two _, or any number of - between them; correct the name; only the last component can have a tag',
  ],
  [
    'quay.io/a:1+2',
    '"quay.io/a:1+2" is not a valid image reference: the tag "1+2" is not made of up to 128 letters, digits and . _ -, or begins with . or -; correct the tag; leave out the colon for the tag latest',
  ],
];

/** What the entries of a list of tags are tried on. */
const TAGS = ['latest', '1.7', '1.7.0', 'v1.7.1', '1.10', '1.10-rc1', '2.0', '24.11-py3', '2023.08.01', '_x'];

const ENTRIES: Row[] = [
  ['latest', 'include latest'],
  ['*', 'include latest 1.7 1.7.0 v1.7.1 1.10 1.10-rc1 2.0 24.11-py3 2023.08.01 _x'],
  ['1.*', 'include 1.7 1.7.0 1.10 1.10-rc1'],
  ['v*', 'include v1.7.1'],
  ['1.?', 'include 1.7'],
  ['[12].*', 'include 1.7 1.7.0 1.10 1.10-rc1 2.0'],
  ['*[!0-9]', 'include latest _x'],
  ['1.{7,10}*', 'include 1.7 1.7.0 1.10 1.10-rc1'],
  ['1.7{,.0}', 'include 1.7 1.7.0'],
  ['{1..2}.*0', 'include 1.7.0 1.10 2.0'],
  ['!*-*', 'exclude 1.10-rc1 24.11-py3'],
  ['! 1.7', 'exclude 1.7'],
  ['1.x', 'include nothing'],
  ['1.7 ', 'include 1.7'],
  ['=1.7', 'include 1.7 1.7.0 v1.7.1'],
  ['>=1.7', 'include 1.7 1.7.0 v1.7.1 1.10 2.0 2023.08.01'],
  ['>=1.7 <2', 'include 1.7 1.7.0 v1.7.1 1.10'],
  ['^1.7.1', 'include v1.7.1 1.10'],
  ['~1.7', 'include 1.7 1.7.0 v1.7.1'],
  ['1.x || 24.x', 'include 1.7 1.7.0 v1.7.1 1.10'],
  ['1.7 - 1.10', 'include 1.7 1.7.0 v1.7.1 1.10'],
  ['>=24.11-py3', 'include 24.11-py3 2023.08.01'],
  ['>=1.10.0-rc0', 'include 1.10 1.10-rc1 2.0 2023.08.01'],
  ['>2022 <2024', 'include 2023.08.01'],
  ['!>=2', 'exclude 2.0 2023.08.01'],
  ['>=3 <4', 'include nothing'],
  ['', '"" is not a valid tag pattern: it is empty; write a tag, or a pattern such as 1.*'],
  ['!', '"" is not a valid tag pattern: it is empty; write a tag, or a pattern such as 1.*'],
  [
    '!!1.*',
    '"!1.*" is not a valid tag pattern: it begins with a ! that has no meaning there; remove it: what is left out has one !, and none in a list of exclusions',
  ],
  [
    '1. *',
    '"1. *" is not a valid tag pattern: it has "1.", which is not a version condition; list tags and patterns one by one; for a range, write conditions such as >=21.2 <22, ^1.2, ~1.4.0 or 21.2 - 21.4, and || between alternatives',
  ],
  [
    '1.* 2.*',
    '"1.* 2.*" is not a valid tag pattern: it is met by no version, since all conditions must hold together; correct the bounds, or put || between alternatives; list tags one by one',
  ],
  [
    '1.7 latest',
    '"1.7 latest" is not a valid tag pattern: it has "latest", which is not a version condition; list tags and patterns one by one; for a range, write conditions such as >=21.2 <22, ^1.2, ~1.4.0 or 21.2 - 21.4, and || between alternatives',
  ],
  [
    '>=',
    '">=" is not a valid tag pattern: it has ">=", which is not a version condition; write conditions such as >=21.2 <22, ^1.2, ~1.4.0 or 21.2 - 21.4, and || between alternatives',
  ],
  [
    '>=1,<2',
    '">=1,<2" is not a valid tag pattern: it has ">=1,<2", which is not a version condition; put a space, not a comma, between conditions that must hold together',
  ],
  [
    '>=1.2.3.4',
    '">=1.2.3.4" is not a valid tag pattern: it has ">=1.2.3.4", which is not a version condition; versions have up to three numbers; write a pattern with * instead',
  ],
  [
    '>=latest',
    '">=latest" is not a valid tag pattern: it has ">=latest", which is not a version condition; write conditions such as >=21.2 <22, ^1.2, ~1.4.0 or 21.2 - 21.4, and || between alternatives',
  ],
  [
    '1.x ||',
    '"1.x ||" is not a valid tag pattern: it has an empty side of ||, which would mean every version; write conditions such as >=21.2 <22, ^1.2, ~1.4.0 or 21.2 - 21.4, and || between alternatives',
  ],
  [
    '1 - 2 - 3',
    '"1 - 2 - 3" is not a valid tag pattern: it has more than one - between versions; write conditions such as >=21.2 <22, ^1.2, ~1.4.0 or 21.2 - 21.4, and || between alternatives',
  ],
  [
    '>=1 - 2',
    '">=1 - 2" is not a valid tag pattern: it has ">=1" beside a -, where a version belongs; write conditions such as >=21.2 <22, ^1.2, ~1.4.0 or 21.2 - 21.4, and || between alternatives',
  ],
  [
    '>2 <1',
    '">2 <1" is not a valid tag pattern: it is met by no version, since all conditions must hold together; correct the bounds, or put || between alternatives; list tags one by one',
  ],
  [
    '==1.7',
    '"==1.7" is not a valid tag pattern: it has "==1.7", which is not a version condition; write conditions such as >=21.2 <22, ^1.2, ~1.4.0 or 21.2 - 21.4, and || between alternatives',
  ],
  [
    '{1.7',
    '"{1.7" is not a valid tag pattern: it has a brace without counterpart, or no comma in braces; write {a,b} for a or b',
  ],
  ['{,}', '"{,}" is not a valid tag pattern: it has only empty alternatives; write {a,b} for a or b'],
  ['1.7,2.0', '"1.7,2.0" is not a valid tag pattern: it has a comma outside of braces; write {a,b}'],
  [
    '[]',
    '"[]" is not a valid tag pattern: it has a class that is empty, not closed, or holds more than letters, digits and . _ -; write [abc] or [a-z] for one of these characters, [!abc] for any other',
  ],
  ['[z-a]', '"[z-a]" is not a valid tag pattern: it has the range "z-a", which runs backwards; write a-z'],
  ['[^1]', '"[^1]" is not a valid tag pattern: it excludes characters with ^; write [!abc]'],
  [
    '[[:digit:]]',
    '"[[:digit:]]" is not a valid tag pattern: it has a class of characters by name; write [abc] or [a-z] for one of these characters, [!abc] for any other',
  ],
  [
    '1\\.7',
    '"1\\\\.7" is not a valid tag pattern: it holds a backslash, and nothing can be escaped; remove it: only * ? [ ] { } and the comma in braces have a meaning, and no tag holds them',
  ],
  [
    '^1.7$',
    '"^1.7$" is not a valid tag pattern: it has "^1.7$", which is not a version condition; neither ranges nor patterns are regular expressions; remove what belongs to one',
  ],
  [
    '1.(7|10)',
    '"1.(7|10)" is not a valid tag pattern: it holds "(", which no tag does; patterns are not regular expressions: write * for any number of characters, {a,b} for a or b',
  ],
  [
    '1.7+',
    '"1.7+" is not a valid tag pattern: it holds "+", which no tag does; patterns are not regular expressions: write * for any number of characters, {a,b} for a or b',
  ],
  [
    'v1|v2',
    '"v1|v2" is not a valid tag pattern: it holds "|", which no tag does; patterns are not regular expressions: write * for any number of characters, {a,b} for a or b',
  ],
  [
    'quay.io/a:1',
    '"quay.io/a:1" is not a valid tag pattern: it holds a / or @, which no tag does; write the tag alone, without registry and repository',
  ],
  [
    '-rc',
    '"-rc" is not a valid tag pattern: it begins with . or -, as no tag does; put a * in front for tags that end like this',
  ],
  [
    '{1.7,-rc}',
    '"{1.7,-rc}" is not a valid tag pattern: it has the alternative "-rc", which begins with . or -, as no tag does; put a * in front for tags that end like this',
  ],
  [
    '{1..1000000}',
    '"{1..1000000}" is not a valid tag pattern: it stands for more than 1000 alternatives; shorten what is in braces, or write a * instead',
  ],
  [
    '1!7',
    '"1!7" is not a valid tag pattern: it holds a ! outside of a class; to leave tags out, begin an entry of a list of tags with !, such as !*-rc*',
  ],
  [
    'é*',
    '"é*" is not a valid tag pattern: it holds "é", which no tag does; tags are made of letters, digits and . _ -, and in a pattern * ? […] {…} stand for such characters',
  ],
  [
    '\u202e1',
    '"\\u{202e}1" is not a valid tag pattern: it holds "\\u{202e}", which no tag does; tags are made of letters, digits and . _ -, and in a pattern * ? […] {…} stand for such characters',
  ],
  [
    '1>2',
    '"1>2" is not a valid tag pattern: it holds ">", which no tag does; write a range of versions as an entry of its own in a list of tags, such as >=21.2 <22',
  ],
];

/** The only test that asserts wording: it shows what people read. */
describe('core/oci/syntax-table', () => {
  for (const [text, meaning] of REFERENCES) {
    it(`the reference ${JSON.stringify(text)}`, () => {
      assert.equal(
        saidOf(() => referenceMeaning(text, 'stars')),
        meaning,
      );
    });
  }

  for (const [text, meaning] of REFERENCES_WITH_ALL_PATTERNS) {
    it(`the reference ${JSON.stringify(text)}, with all patterns`, () => {
      assert.equal(
        saidOf(() => referenceMeaning(text, 'full')),
        meaning,
      );
    });
  }

  for (const [text, meaning] of ENTRIES) {
    it(`the entry ${JSON.stringify(text)} of a list of tags`, () => {
      assert.equal(
        saidOf(() => entryMeaning(text)),
        meaning,
      );
    });
  }
});

function saidOf(meaning: () => string): string {
  try {
    return meaning();
  } catch (error) {
    if (isFailure(error, 'reference-invalid', 'pattern-invalid')) return `${error.message}; ${error.hint}`;
    throw error;
  }
}

function referenceMeaning(text: string, patterns: 'stars' | 'full'): string {
  const { scheme, registry, repository, tag, digest } = parseReference(text, { patterns });
  const version = tag === undefined ? 'no tag' : `${isPattern(tag) ? 'pattern' : 'tag'} ${tag}`;
  return [scheme, registry, repository, version, ...(digest === undefined ? [] : [`digest ${digest}`])].join(
    ', ',
  );
}

function entryMeaning(text: string): string {
  const { kind, pattern } = parseTagEntry(text);
  return `${kind} ${TAGS.filter(tagMatcher(pattern)).join(' ') || 'nothing'}`;
}
