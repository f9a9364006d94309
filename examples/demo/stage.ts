/** Where and how the demo is played. */
export interface Stage {
  /** An empty directory: everything is made in it, and stays for people to look around. */
  readonly folder: string;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
  /** Whether the standard error of unpackd, with its progress, is shown. */
  readonly progress: 'inherit' | 'ignore';
}
