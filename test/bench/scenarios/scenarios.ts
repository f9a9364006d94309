import type { Scenario } from '../scenario.ts';
import { collection } from './collection.ts';
import { memory } from './memory.ts';
import { planning } from './planning.ts';
import { podmanStore } from './podman-store.ts';
import { polls } from './polls.ts';
import { PUBLISHING } from './publishing.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...PUBLISHING,
  polls,
  planning,
  podmanStore,
  collection,
  memory,
];
