import assert from 'node:assert/strict';
import {
  expandRecipes,
  type Expansion,
  type ListTags,
  type Policy,
} from '../../../wishlist/meaning/expand.ts';
import { type Confinement, parseRecipe, type Recipe } from '../../../wishlist/recipe/recipe.ts';
import { formatReference } from '../../../core/oci/reference.ts';
import { matchesRegistry, parseRegistryPattern } from '../../../core/oci/registry-host.ts';
import { EMPTY_LISTS, wholeLists } from '../../support/whole-lists.ts';

const ANYTHING: Confinement = {
  allowsRepository: () => true,
  registries: undefined,
  subdirectory: undefined,
  allowsHttp: () => true,
  limit: undefined,
};
const LISTS = wholeLists(async ({ registry, repository }) => {
  const tags: Readonly<Record<string, readonly string[]>> = {
    'quay.io/a': ['1', '2', '3'],
    'docker.io/lab/b': ['1'],
  };
  return await Promise.resolve(tags[`${registry}/${repository}`] ?? []);
});

interface Case {
  readonly confinement?: Partial<Confinement>;
  readonly policy?: Policy;
  /** Of `input`. */
  readonly items: readonly string[];
  readonly head?: readonly string[];
  /** `PUBLIC-NAME in REPOSITORY…` */
  readonly images: readonly string[];
  /** `CODE LINE` */
  readonly problems: readonly string[];
  /** Repositories whose tags are asked for. */
  readonly asked?: readonly string[];
}

const HEAD = ['version: 2', 'repositories: [x, y]'];

const CASES: Readonly<Record<string, Case>> = {
  'a repository of another source': {
    confinement: { allowsRepository: (name) => name === 'x' },
    items: ['quay.io/a:1', '{image: quay.io/a:2, repositories: y}'],
    images: ['quay.io/a:1 in x'],
    problems: ['repository-not-allowed 4', 'repository-not-allowed 5'],
  },
  'no repository at all': {
    confinement: { allowsRepository: () => false },
    items: ['quay.io/a:1', "'quay.io/a:*'"],
    images: [],
    problems: ['repository-not-allowed 4'],
  },
  'a registry of others': {
    confinement: { registries: ['quay.io'] },
    items: ['quay.io/a:1', 'docker.io/lab/b:1', "'docker.io/lab/b:*'"],
    images: ['quay.io/a:1 in x,y'],
    problems: ['registry-not-allowed 5', 'registry-not-allowed 6'],
  },
  'a registry that nobody may ask': {
    policy: { registries: ['docker.io'] },
    confinement: { registries: ['quay.io', 'docker.io'] },
    items: ['quay.io/a:1', 'docker.io/lab/b:1'],
    images: ['docker.io/lab/b:1 in x,y'],
    problems: ['registry-not-allowed 4'],
  },
  'a namespace of others': {
    confinement: { registries: ['docker.io/lab'] },
    items: ['docker.io/lab/b:1', 'docker.io/lab2/b:1', 'docker.io/lab:1'],
    images: ['docker.io/lab/b:1 in x,y', 'docker.io/lab:1 in x,y'],
    problems: ['registry-not-allowed 5'],
  },
  'plain HTTP': {
    confinement: { allowsHttp: (registry) => registry === 'quay.io' },
    items: ['http://quay.io/a:1', 'http://docker.io/lab/b:1', "'http://docker.io/lab/b:*'"],
    images: ['quay.io/a:1 in x,y'],
    problems: ['http-not-allowed 5', 'http-not-allowed 6'],
  },
  'a subdirectory of others': {
    confinement: { subdirectory: 'lab' },
    items: [
      'quay.io/a:1',
      '{image: quay.io/a:2, subdirectory: lab/tools}',
      '{image: quay.io/a:3, subdirectory: laboratory}',
      '{image: quay.io/a:4, subdirectory: other}',
    ],
    images: ['lab/quay.io/a:1 in x,y', 'lab/tools/quay.io/a:2 in x,y'],
    problems: ['subdirectory-not-allowed 6', 'subdirectory-not-allowed 7'],
  },
  'a subdirectory of others for all': {
    confinement: { subdirectory: 'lab' },
    head: [...HEAD, 'defaults: {subdirectory: other}'],
    items: ['quay.io/a:1'],
    images: [],
    problems: ['subdirectory-not-allowed 5'],
  },
  'more tags than the operator allows, with a limit of its own': {
    policy: { limit: 2 },
    items: ["{image: 'quay.io/a:*', limit: 1000}", "{image: 'docker.io/lab/b:*', limit: 1000}"],
    images: ['docker.io/lab/b:1 in x,y'],
    problems: ['pattern-too-wide 4'],
    asked: ['quay.io/a', 'docker.io/lab/b'],
  },
  'more tags than its source may have': {
    policy: { limit: 1000 },
    confinement: { limit: 2 },
    items: ["{image: 'quay.io/a:*', limit: 3}"],
    images: [],
    problems: ['pattern-too-wide 4'],
    asked: ['quay.io/a'],
  },
  'more tags than all others, which its source may have': {
    policy: { limit: 2 },
    confinement: { limit: 3 },
    items: ["{image: 'quay.io/a:*', limit: 3}", "{image: 'quay.io/a:*', limit: 2, subdirectory: other}"],
    images: ['quay.io/a:1 in x,y', 'quay.io/a:2 in x,y', 'quay.io/a:3 in x,y'],
    problems: ['pattern-too-wide 5'],
    asked: ['quay.io/a'],
  },
};

function recipe(items: readonly string[], confinement: Partial<Confinement>, head = HEAD): Recipe {
  const text = [...head, 'input:', ...items.map((item) => `  - ${item}`)].join('\n');
  return { ...parseRecipe(text, 'stranger'), confinement: { ...ANYTHING, ...confinement } };
}

const shown = ({ images }: Expansion): string[] =>
  images.map(({ publicName, repositories }) => `${publicName} in ${repositories.join(',')}`);

const codes = ({ problems }: Expansion): string[] =>
  problems.map(({ problem }) => `${problem.code} ${problem.line}`);

describe('wishlist/meaning/confine: expandRecipes: what a source may not ask for', () => {
  for (const [
    what,
    { confinement = {}, policy = {}, items, head, images, problems, asked = [] },
  ] of Object.entries(CASES)) {
    it(`refuses ${what}, and goes on with the rest`, async () => {
      const listed = new Set<string>();
      const list: ListTags = async (reference) => {
        listed.add(`${reference.registry}/${reference.repository}`);
        return await LISTS(reference);
      };
      const stranger = recipe(items, confinement, head === undefined ? HEAD : [...head]);
      const good = parseRecipe(`version: 1\ncvmfs_repo: y\ninput: [docker.io/lab/z:1]`, 'good');
      const recipes = policy.registries === undefined ? [stranger, good] : [stranger];
      const expansion = await expandRecipes(recipes, list, undefined, policy);
      assert.deepEqual(shown(expansion), [
        ...images,
        ...recipes.slice(1).map(() => 'docker.io/lab/z:1 in y'),
      ]);
      assert.deepEqual(codes(expansion), problems);
      assert.deepEqual([...listed], asked);
    });
  }

  it('keeps nothing of repositories that a source may not name, whatever is wrong with its lines', async () => {
    const stranger = recipe(['"quay.io/a:!"', 'quay.io/a:1'], { allowsRepository: (name) => name === 'x' });
    const { uncertainties, repositories } = await expandRecipes([stranger], LISTS);
    assert.deepEqual(
      uncertainties.map((uncertainty) => uncertainty.repositories),
      [['x']],
    );
    assert.deepEqual(repositories, ['x']);
  });

  it('tells 1,000 refusals of one recipe, and all of the next one', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => `docker.io/lab/b:${index}`);
    const stranger = recipe(many, { registries: ['quay.io'] });
    const other = recipe(['docker.io/lab/b:1'], { registries: ['quay.io'] });
    const expansion = await expandRecipes([stranger, other], LISTS);
    assert.equal(expansion.problems.length, 1002);
    assert.deepEqual(codes(expansion).slice(-2), ['problems-omitted 1004', 'registry-not-allowed 4']);
  });
});

describe('wishlist/meaning/confine: expandRecipes: what the wishes of a source cost', () => {
  const many = Array.from({ length: 30_000 }, (_, index) => String(index));
  const lists = wholeLists(async () => await Promise.resolve(many));
  const good = parseRecipe('version: 1\ncvmfs_repo: y\ninput: [docker.io/lab/z:1]', 'good');

  it('refuses patterns that take too long for the tags of their repository', async () => {
    const patterns = Array.from({ length: 900 }, (_, index) => `'x${index}*'`).join(', ');
    const stranger = recipe([`{image: quay.io/a, tags: [${patterns}]}`, "'quay.io/b:29999*'"], {});
    const expansion = await expandRecipes([stranger, good], lists);
    assert.deepEqual(codes(expansion), ['pattern-too-costly 4']);
    assert.deepEqual(shown(expansion), ['quay.io/b:29999 in x,y', 'docker.io/lab/z:1 in y']);
    assert.equal(expansion.uncertainties.length, 1);
  });

  it('refuses those after which its source has taken too long', async () => {
    const patterns = Array.from({ length: 600 }, (_, index) => `'x${index}*'`).join(', ');
    const stranger = recipe(
      Array.from({ length: 13 }, (_, index) => `{image: quay.io/a${index}, tags: [${patterns}]}`),
      {},
    );
    const expansion = await expandRecipes([stranger, good], lists);
    const refused = expansion.problems.filter(({ problem }) => problem.code === 'pattern-too-costly');
    assert.deepEqual(
      refused.map(({ problem }) => problem.line),
      [15, 16],
    );
    assert.deepEqual(shown(expansion), ['docker.io/lab/z:1 in y']);
  });

  it('refuses lines with which a source means too many images, for all platforms', async () => {
    const stranger = recipe(
      ["{image: 'quay.io/a:*', platforms: [linux/amd64, linux/arm64]}", "'quay.io/b:1*'", 'quay.io/c:1'],
      {},
    );
    const expansion = await expandRecipes([stranger, good], lists, undefined, { images: 59_999 });
    assert.deepEqual(codes(expansion), ['images-too-many 4']);
    assert.equal(expansion.images.at(-1)?.publicName, 'docker.io/lab/z:1');
    assert.equal(expansion.uncertainties.length, 1);
  });

  it('lets others work between lines that take long', async () => {
    const now = performance.now.bind(performance);
    let [ms, turns] = [0, 0];
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    performance.now = () => (ms += 1000);
    try {
      const items = Array.from({ length: 60 }, (_, index) => `quay.io/a:${index}`);
      await expandRecipes([recipe(items, {})], EMPTY_LISTS);
    } finally {
      performance.now = now;
      isOver = true;
    }
    assert.ok(turns >= 50, String(turns));
  });
});

describe('wishlist/meaning/confine: expandRecipes: several sources that want one name', () => {
  const one = recipe(['quay.io/docker.io/lab/tool:1'], {});
  const three = recipe(['lab.local/docker.io/lab/tool:1'], {});
  /** Names that are one path, and differ in where the subdirectory ends. */
  const divided = (subdirectory: string, image: string): Recipe => ({
    ...one,
    wishes: parseRecipe(`version: 2\nrepositories: [x, y]\ninput: [${image}]`, 'two').wishes.map((wish) =>
      Object.assign({}, wish, { settings: { ...wish.settings, subdirectory } }),
    ),
  });
  const rivals = [divided('a', 'localhost/b/localhost/c:1'), divided('a/localhost/b', 'localhost/c:1')];

  async function holders(recipes: readonly Recipe[], held: readonly string[]): Promise<string[]> {
    const findHolders: Policy['findHolders'] = async () =>
      await Promise.resolve((image, repository) =>
        held.includes(`${repository} ${formatReference(image.reference)}`),
      );
    const expansion = await expandRecipes(recipes, EMPTY_LISTS, undefined, { findHolders });
    assert.equal(expansion.problems.length > 0, true);
    return expansion.images.map(
      ({ reference, repositories }) =>
        `${reference.scheme} ${formatReference(reference)} in ${repositories.join(',')}`,
    );
  }

  it('gives it to the first where nobody has it', async () => {
    assert.deepEqual(await holders(rivals, []), [
      'https localhost/b/localhost/c:1 in x',
      'https localhost/b/localhost/c:1 in y',
    ]);
  });

  it('leaves it to the one that has it', async () => {
    assert.deepEqual(await holders(rivals, ['x localhost/c:1', 'y localhost/c:1']), [
      'https localhost/c:1 in x',
      'https localhost/c:1 in y',
    ]);
  });

  it('leaves it to the one that has it in each repository', async () => {
    assert.deepEqual(await holders(rivals, ['y localhost/c:1']), [
      'https localhost/c:1 in y',
      'https localhost/b/localhost/c:1 in x',
    ]);
  });

  it('gives it to HTTPS, whoever has it', async () => {
    const plain = divided('a', 'http://localhost/b/localhost/c:1');
    const secure = divided('a/localhost/b', 'localhost/c:1');
    const held = ['x localhost/b/localhost/c:1', 'y localhost/b/localhost/c:1'];
    assert.deepEqual(await holders([plain, secure], held), [
      'https localhost/c:1 in x',
      'https localhost/c:1 in y',
    ]);
  });

  it('asks nobody where there is no conflict', async () => {
    const findHolders = async (): Promise<never> => await Promise.reject(new Error('not to be asked'));
    const expansion = await expandRecipes([one, three], EMPTY_LISTS, undefined, { findHolders });
    assert.equal(expansion.images.length, 2);
  });
});

describe('wishlist/meaning/confine: matchesRegistry', () => {
  const cases: readonly (readonly [
    pattern: string,
    registry: string,
    repository: string,
    isMeant: boolean,
  ])[] = [
    ['quay.io', 'quay.io', 'a', true],
    ['quay.io', 'evil-quay.io', 'a', false],
    ['quay.io', 'quay.io:5000', 'a', false],
    ['*.example.org', 'a.b.example.org', 'a', true],
    ['*.example.org', 'example.org', 'a', false],
    ['*.example.org', 'evilexample.org', 'a', false],
    ['*.example.org', 'a.example.org:5000', 'a', false],
    ['*.example.org:5000', 'a.example.org:5000', 'a', true],
    ['*.example.org/lab', 'a.example.org', 'lab/b', true],
    ['*.example.org/lab', 'a.example.org', 'labs/b', false],
    ['quay.io/a/b', 'quay.io', 'a/b', true],
    ['quay.io/a/b', 'quay.io', 'a', false],
    ['quay.io/a/b', 'quay.io', 'a/bc', false],
  ];
  for (const [pattern, registry, repository, isMeant] of cases) {
    it(`${pattern} ${isMeant ? 'means' : 'does not mean'} ${registry}/${repository}`, () => {
      assert.equal(parseRegistryPattern(pattern), pattern);
      assert.equal(matchesRegistry([pattern], { registry, repository }), isMeant);
    });
  }
});
