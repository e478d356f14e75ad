/**
 * What the program takes from its process, so that tests can run it inside theirs.
 *
 * @module
 */

/** Where text goes. */
export interface Output {
  /** Writes text. */
  write(text: string): unknown;
  /** Whether it is a terminal. */
  readonly isTTY?: boolean | undefined;
  /** How many characters a line of the terminal has. */
  readonly columns?: number | undefined;
  /** How many lines the terminal has. */
  readonly rows?: number | undefined;
  /** Of a terminal: calls back when its size changes. */
  on?(event: "resize", listener: () => void): unknown;
  /** Ends that. */
  off?(event: "resize", listener: () => void): unknown;
}

/** Where bytes come from. */
export interface Input extends NodeJS.ReadableStream {
  /** Whether it is a terminal. */
  readonly isTTY?: boolean | undefined;
  /** Of a terminal: hands each key on as it is pressed, instead of whole lines. */
  setRawMode?(raw: boolean): unknown;
}

/** What surrounds the program. */
export interface Surroundings {
  /** Standard input. */
  readonly stdin: Input;
  /** Standard output: results. */
  readonly stdout: Output;
  /** Standard error: errors, warnings, questions and progress. */
  readonly stderr: Output;
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the program has to stop. */
  readonly signal: AbortSignal;
}
