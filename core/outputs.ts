/** Facts about one output that every part must know; its work is in publisher/outputs, under the same name. */
export interface OutputForm {
  /** Its folder at the root of a repository. */
  readonly folder: string;
  /** Another output that this one links to: without that it is not made. */
  readonly needs?: 'layers';
  /** Made only where somebody asks for it, or where a repository has some of it already. */
  readonly isOptIn?: true;
}

/** The outputs: forms in which images are published. Adding one takes its line here, and its module in publisher/outputs. */
export const OUTPUT_FORMS = {
  layers: { folder: '.layers' },
  flat: { folder: '.flat' },
  chains: { folder: '.chains', needs: 'layers', isOptIn: true },
  podman: { folder: 'podmanStore', needs: 'layers' },
} as const satisfies Readonly<Record<string, OutputForm>>;

export type OutputName = keyof typeof OUTPUT_FORMS;

/** Outputs that are made, of an image or at all. */
export type Outputs = ReadonlySet<OutputName>;

export function outputNames(): OutputName[] {
  return Object.keys(OUTPUT_FORMS).filter(isOutputName);
}

export function isOutputName(name: string): name is OutputName {
  return Object.hasOwn(OUTPUT_FORMS, name);
}

/** The output among `names` that lacks the one it needs; `undefined`: none does. */
export function unfoundedOutput(names: readonly OutputName[]): OutputName | undefined {
  return names.find((name) => !isFounded(name, names));
}

/** The outputs `names`, less those that lack the one they need. */
export function outputsOf(names: readonly OutputName[]): Outputs {
  return new Set(names.filter((name) => isFounded(name, names)));
}

function isFounded(name: OutputName, names: readonly OutputName[]): boolean {
  const { needs }: OutputForm = OUTPUT_FORMS[name];
  return needs === undefined || names.includes(needs);
}

/** What an operator lets be made of images. */
export interface OutputPolicy {
  /** Of images whose wishes name them. */
  readonly possible: Outputs;
  /** Of these, what is made of other images only in a repository that has some of it already. */
  readonly ifPresent: Outputs;
}

/**
 * @param named what an operator asks for; `undefined`: everything, opt-in outputs where a repository has some
 * @param left what is made of no image
 */
export function outputPolicy(
  named: readonly OutputName[] | undefined,
  left: readonly OutputName[] = [],
): OutputPolicy {
  const possible = outputsOf((named ?? outputNames()).filter((name) => !left.includes(name)));
  const ifPresent = named === undefined ? [...possible].filter(isOptIn) : [];
  return { possible, ifPresent: new Set(ifPresent) };
}

function isOptIn(name: OutputName): boolean {
  const form: OutputForm = OUTPUT_FORMS[name];
  return form.isOptIn === true;
}

/** What is made of images in one repository. */
export interface RepositoryOutputs extends Pick<OutputPolicy, 'possible'> {
  /** Of images whose wishes name no outputs. */
  readonly usual: Outputs;
}

/** Outputs of an image wanted as `wanted`; `undefined` means the usual ones. */
export function outputsFor(
  wanted: readonly OutputName[] | undefined,
  { possible, usual }: RepositoryOutputs,
): Outputs {
  return wanted === undefined ? usual : outputsOf(wanted.filter((name) => possible.has(name)));
}

/** Folders at the root of a repository that belong to unpackd, so that no image can be in their place. */
export const OWN_FOLDERS = {
  /** Images for other platforms than linux/amd64. */
  platforms: '.multiarch',
  /** Manifests, and what else is known of images. */
  metadata: '.metadata',
  /** Records of trees that unpackd has published whole. */
  records: '.unpackd',
} as const;

/** Every folder at the root of a repository that belongs to unpackd. */
export function ownFolders(): string[] {
  return [...Object.values(OUTPUT_FORMS).map(({ folder }) => folder), ...Object.values(OWN_FOLDERS)];
}

/**
 * Reports whether the first component of a path in a repository belongs to unpackd, or to CernVM-FS, in any case: some file
 * systems take upper and lower case for the same.
 */
export function isOwnFolder(component: string): boolean {
  const name = component.toLowerCase();
  return name.startsWith('.cvmfs') || ownFolders().some((folder) => folder.toLowerCase() === name);
}
