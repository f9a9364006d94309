/** One thing that happened, as it is logged. */
export interface LogRecord {
  /** As in syslog(3): 3 an error, 4 a warning, 5 of note, 6 for information, 7 for debugging. */
  readonly priority: 3 | 4 | 5 | 6 | 7;
  /** One sentence; it need not name the image and repository that are among the fields. */
  readonly message: string;
  /** What it is about, by names such as `image`, `repository`, `publication` and `code`. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
}

export interface Log {
  /** Never throws: what cannot be logged is no reason to stop. */
  readonly write: (record: LogRecord) => void;
}
