import { buildHugeLayer, buildManyFiles } from '../images/large.ts';
import { buildManyImages, buildManyLayers } from '../images/many.ts';
import { buildNights, buildSystem } from '../images/system.ts';
import { publishingScenario, type PublishingScenario } from '../publications.ts';
import type { GivenImages, Scenario } from '../scenario.ts';

const INGEST = 'ingest of the ready tar';
const FILES = 200_000;
const LARGE_FILES = 4;
const LARGE_FILE_BYTES = 2e9;

const SCENARIOS: readonly PublishingScenario[] = [
  {
    name: 'cold',
    summary: 'images into an empty repository',
    steps: [
      {
        name: 'cold',
        aims: {
          of: { [INGEST]: 1.1, 'podman pull': 0.7, 'skopeo + umoci': 0.55 },
          processorOf: { [INGEST]: 0.35 },
        },
      },
    ],
    build: buildSystem,
    given: ({ cold }) => (cold.length === 0 ? undefined : [cold]),
  },
  {
    name: 'small-layer',
    summary: 'one more image with a tiny layer of its own: a running daemon, from being woken to the name',
    steps: [
      { name: 'before the small layer', isPreparation: true },
      { name: 'one small layer', aims: { of: { [INGEST]: 1.25 } } },
    ],
    build: buildSystem,
    given: ({ cold, small }) => (cold.length === 0 || small.length === 0 ? undefined : [cold, small]),
    inDaemon: true,
  },
  {
    name: 'nightly',
    summary: 'an image, then its rebuild, in which every layer is new and most files are not',
    steps: [
      { name: 'first night' },
      {
        name: 'second night',
        aims: {
          ofJob: { 'cvmfs: first night': 0.25, 'directory: first night': 0.3 },
          of: { DUCC: 0.1 },
        },
      },
    ],
    build: buildNights,
    given: givenNights,
  },
  {
    name: 'unchanged',
    summary: 'nothing has changed since the last publication',
    steps: [{ name: 'before', isPreparation: true }, { name: 'nothing changed' }],
    build: async (folder, scaled) => {
      const { store, steps } = await buildSystem(folder, scaled);
      const [first = []] = steps;
      return { store, steps: [first, first] };
    },
    given: ({ cold }) => (cold.length === 0 ? undefined : [cold, cold]),
  },
  {
    name: 'many-files',
    summary: `an image of ${FILES.toLocaleString('en')} small files`,
    steps: [{ name: 'many small files' }],
    build: async (folder, scaled) => ({
      store: await buildManyFiles(folder, scaled(FILES)),
      steps: [['bench/many:1']],
    }),
  },
  {
    name: 'large-files',
    summary: `an image with ${LARGE_FILES} files of ${LARGE_FILE_BYTES / 1e9} GB`,
    steps: [{ name: 'large files' }],
    build: async (folder, scaled) => ({
      store: await buildHugeLayer(
        folder,
        Array.from({ length: LARGE_FILES }, () => scaled(LARGE_FILE_BYTES)),
      ),
      steps: [['bench/huge:1']],
    }),
    isLarge: true,
  },
  {
    name: 'many-layers',
    summary: 'an image of 60 layers',
    steps: [{ name: 'many layers' }],
    build: buildManyLayers,
  },
  {
    name: 'many-images',
    summary: '100 images of 500 files each on a shared base, at once',
    steps: [{ name: 'many images', aims: { of: { [INGEST]: 1.3 } } }],
    build: buildManyImages,
  },
];

export const PUBLISHING: readonly Scenario[] = SCENARIOS.map(publishingScenario);

function givenNights({ nights }: GivenImages): readonly (readonly string[])[] | undefined {
  return nights.length === 0 ? undefined : nights.map((night) => [night]);
}
