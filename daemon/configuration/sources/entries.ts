import { orUndefined } from '../../../core/failure.ts';
import { quoted } from '../../../core/text.ts';
import { parseSubdirectory } from '../../../wishlist/recipe/settings.ts';
import type { ConfigurationEntry, ConfigurationValue } from '../configuration-file.ts';
import { MappingReader, type EntryContext } from '../mapping-reader.ts';
import { boolean, integer, registryPattern, repositoryName, type ValueType } from '../value-types.ts';
import type { ConfinementEntry, SourceEntry } from './kind.ts';
import { SOURCE_KINDS } from './kinds.ts';

const CONFINEMENT = ['repositories', 'registries', 'subdirectory', 'allow-http', 'limit'] as const;
const LIMIT = integer(1, 1_000_000);

const sourceName: ValueType<string> = {
  expected: 'a name of up to 100 characters in one line',
  parse: (text) => (/^[^\p{C}\s](?:[^\p{C}]{0,98}[^\p{C}\s])?$/u.test(text) ? text : undefined),
};

/** As recipes have it. */
const subdirectory: ValueType<string> = {
  expected: 'a path such as physics/simulation, whose first part does not look like a registry',
  parse: (text) => orUndefined('setting-invalid', () => parseSubdirectory(text)),
};

/** Reads the sources of the configuration file, each name once; problems go to the context. */
export function readSourceEntries({ line, value }: ConfigurationEntry, context: EntryContext): SourceEntry[] {
  const { file, problems } = context;
  if (value.kind === 'nothing') return [];
  if (value.kind !== 'list') {
    problems.push(`${file}:${line}: sources: ${expected()}`);
    return [];
  }
  const lines = new Map<string, number>();
  return value.items.flatMap((item) => {
    const source = readSource(item, context);
    if (source === undefined) return [];
    const earlier = lines.get(source.name);
    if (earlier === undefined) {
      lines.set(source.name, item.line);
      return [source];
    }
    const shown = quoted(source.name);
    problems.push(
      `${file}:${item.line}: sources: ${shown} is the name of the source on line ${earlier} too; give one of them another with name:`,
    );
    return [];
  });
}

function expected(): string {
  const forms = SOURCE_KINDS.map(({ keys: [key], placeholder }) => `${key}: ${placeholder}`);
  return `expected a list, each with one of ${forms.slice(0, -1).join(', ')} and ${forms.at(-1)}`;
}

function readSource(item: ConfigurationValue, context: EntryContext): SourceEntry | undefined {
  const entries = item.kind === 'mapping' ? item.entries : [];
  const [kind, second] = SOURCE_KINDS.filter(({ keys: [own] }) => entries.some(({ key }) => key === own));
  if (kind === undefined || second !== undefined) {
    context.problems.push(`${context.file}:${item.line}: sources: ${expected()}`);
    return undefined;
  }
  const keys = [...kind.keys, 'name', ...CONFINEMENT];
  const reader = new MappingReader<string>({ path: 'sources', keys }, entries, context);
  const settings = kind.parse(reader);
  const name = reader.scalar('name', sourceName)?.value;
  const confinement = readConfinement(reader);
  if (settings === undefined) return undefined;
  return { kind: kind.keys[0], ...settings, name: name ?? settings.name, line: item.line, ...confinement };
}

function readConfinement(reader: MappingReader<string>): ConfinementEntry {
  return {
    repositories: reader.listOrScalar('repositories', repositoryName),
    registries: reader.listOrScalar('registries', registryPattern),
    subdirectory: reader.scalar('subdirectory', subdirectory)?.value,
    allowHttp: reader.scalar('allow-http', boolean)?.value,
    limit: reader.scalar('limit', LIMIT)?.value,
  };
}
