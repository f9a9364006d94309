/** One thing that a check of the configuration found. */
export interface Finding {
  /** With an error unpackd would not run, or not do what is asked. */
  readonly severity: 'error' | 'warning';
  /** Place, what is wrong, and what to do. */
  readonly message: string;
}

/** Where findings are collected. */
export class Findings {
  readonly all: Finding[] = [];

  error(message: string): void {
    this.all.push({ severity: 'error', message });
  }

  warn(message: string): void {
    this.all.push({ severity: 'warning', message });
  }

  /** Reads something that tells of problems. */
  async collect<Value>(read: (problems: string[]) => Promise<Value>): Promise<Value> {
    const problems: string[] = [];
    const value = await read(problems);
    for (const problem of problems) this.error(problem);
    return value;
  }
}
