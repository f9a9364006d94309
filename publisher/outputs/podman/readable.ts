/**
 * Checks that podman can read an image's documents. It decodes them into types of Go, and one that does not fit makes every
 * listing of the store fail, for all its users: so such an image is kept out of it.
 */

/** Type that Go expects of a value; null fits everywhere. Keys of objects are in lower case, as Go compares them. */
type Shape =
  | 'string'
  | 'integer'
  | 'boolean'
  | 'time'
  | 'object'
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

/** encoding/json of Go reads no deeper than 10,000 levels; nobody's image needs more than a few. */
const DEEPEST = 100;
/** RFC 3339, as Go's time package reads it. */
const TIME = /^\d{4}-(?:0[1-9]|1[0-2])-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

const strings: Shape = { list: 'string' };
const texts: Shape = { map: 'string' };

/** @see docker/docker, api/types/container, `Config`; OCI image specification 1.1, config.md */
const execution: Shape = {
  fields: {
    ...fieldsOf('string', 'hostname domainname user image workingdir macaddress stopsignal'),
    ...fieldsOf(
      'boolean',
      'attachstdin attachstdout attachstderr tty openstdin stdinonce argsescaped networkdisabled',
    ),
    env: strings,
    cmd: strings,
    entrypoint: strings,
    onbuild: strings,
    shell: strings,
    labels: texts,
    volumes: { map: 'object' },
    exposedports: { map: 'object' },
    stoptimeout: 'integer',
    healthcheck: {
      fields: { test: strings, ...fieldsOf('integer', 'interval timeout startperiod startinterval retries') },
    },
  },
};

const config: Shape = {
  fields: {
    ...fieldsOf(
      'string',
      'id parent comment container docker_version author architecture variant os os.version',
    ),
    created: 'time',
    size: 'integer',
    config: execution,
    container_config: execution,
    'os.features': strings,
    rootfs: { fields: { type: 'string', diff_ids: strings } },
    history: {
      list: {
        fields: {
          created: 'time',
          ...fieldsOf('string', 'author created_by comment'),
          empty_layer: 'boolean',
        },
      },
    },
  },
};

const descriptor: Shape = {
  fields: {
    ...fieldsOf('string', 'mediatype digest data artifacttype'),
    size: 'integer',
    urls: strings,
    annotations: texts,
    platform: {
      fields: {
        ...fieldsOf('string', 'architecture os os.version variant'),
        'os.features': strings,
        features: strings,
      },
    },
  },
};

/** @see OCI image specification 1.1, manifest.md and image-index.md */
const manifest: Shape = {
  fields: {
    ...fieldsOf('string', 'mediatype artifacttype'),
    schemaversion: 'integer',
    config: descriptor,
    layers: { list: descriptor },
    manifests: { list: descriptor },
    subject: descriptor,
    annotations: texts,
  },
};

/** Why podman could not read the config; `undefined`: it can. */
export function unreadableConfig(bytes: Buffer): string | undefined {
  return unreadable(bytes, config);
}

/** As {@link unreadableConfig}, for a manifest or an index. */
export function unreadableManifest(bytes: Buffer): string | undefined {
  return unreadable(bytes, manifest);
}

/** `bytes` are valid JSON. */
function unreadable(bytes: Buffer, shape: Shape): string | undefined {
  const text = bytes.toString('utf8');
  const document: unknown = JSON.parse(text);
  const { members, depth } = measure(document);
  if (depth > DEEPEST) return `it is nested deeper than ${DEEPEST} levels`;
  const structure = text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, '');
  // Go reads every occurrence of a key that comes twice, and not only the last one.
  if (structure.split(':').length - 1 !== members) return 'a key comes twice';
  if (/[.eE]\s*[-+]?\d/.test(structure)) return 'it has a number that is no integer';
  return misfit(document, shape, '');
}

/** Members of all objects, and the depth of nesting. Not by recursion: what is nested too deep is to be found here. */
function measure(document: unknown): { members: number; depth: number } {
  let members = 0;
  let depth = 0;
  for (let level: object[] = objectsAmong([document]); level.length > 0; depth++) {
    if (depth > DEEPEST) break;
    const values = level.map((value) => Object.values(value));
    level.forEach((value, index) => (members += Array.isArray(value) ? 0 : (values[index]?.length ?? 0)));
    level = objectsAmong(values.flat());
  }
  return { members, depth };
}

function objectsAmong(values: readonly unknown[]): object[] {
  return values.filter((value): value is object => typeof value === 'object' && value !== null);
}

/** Bounded: by the shape. */
function misfit(value: unknown, shape: Shape, at: string): string | undefined {
  if (value === null) return undefined;
  const wrong = `${at === '' ? 'the document' : at} is no ${typeof shape === 'string' ? shape : 'list' in shape ? 'list' : 'object'}`;
  if (typeof shape === 'string') return isA(value, shape) ? undefined : wrong;
  if ('list' in shape) {
    return Array.isArray(value)
      ? first(value.map((item, index) => misfit(item, shape.list, `${at}[${index}]`)))
      : wrong;
  }
  if (!isObject(value)) return wrong;
  return first(
    Object.entries(value).map(([key, member]) => {
      const expected = 'map' in shape ? shape.map : fieldOf(shape.fields, key);
      return expected === undefined ? undefined : misfit(member, expected, at === '' ? key : `${at}.${key}`);
    }),
  );
}

function isA(value: unknown, type: Extract<Shape, string>): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type;
    case 'integer':
      return Number.isSafeInteger(value);
    case 'object':
      return isObject(value);
    case 'time':
      return typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value));
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Go folds the case of keys, so that `Env`, `env` and `ENV` are the same one. */
function fieldOf(fields: Readonly<Record<string, Shape>>, key: string): Shape | undefined {
  const name = key.toUpperCase().toLowerCase();
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function first(reasons: readonly (string | undefined)[]): string | undefined {
  return reasons.find((reason) => reason !== undefined);
}

function fieldsOf(shape: Shape, names: string): Record<string, Shape> {
  return Object.fromEntries(names.split(' ').map((name) => [name, shape]));
}
