const NOTHING_REMOVED =
  'nothing that was published is removed yet; "unpackd status" lists what nobody asks for any more';

/** Commands that unpackd is to have, or DUCC has, and that are not there yet, with what to do meanwhile. */
export const PLANNED_COMMANDS: Readonly<Record<string, string>> = {
  'garbage-collection': NOTHING_REMOVED,
  gc: NOTHING_REMOVED,
  remove: NOTHING_REMOVED,
  restore: NOTHING_REMOVED,
  list: '"unpackd status" counts the images of each repository, and "unpackd status IMAGE" tells of one',
  verify: '"unpackd convert --convert-again RECIPE" writes images again',
  adopt: 'a repository that DUCC filled can go on as it is: docs/operators.md, "Moving from DUCC"',
  export: 'apptainer and podman make files of images that are published',
  shifter: 'docs/operators.md, "Clients", says what reads repositories today',
};

/** The same for options. */
export const PLANNED_OPTIONS: Readonly<Record<string, string>> = {
  '--dry-run': '"unpackd wishlist check RECIPE" says what there is to fetch, and publishes nothing',
  '--grace-period': NOTHING_REMOVED,
  '--strict': 'in recipes of version 2 a key that is unknown is an error already',
  '--repair': '"unpackd convert --convert-again RECIPE" writes images again',
};
