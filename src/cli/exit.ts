/**
 * What the exit codes of `ratesync` mean.
 *
 * @module
 */

/** The exit codes. */
export const EXIT: Readonly<
  Record<"done" | "no" | "usage" | "store" | "defect" | "output" | "stopped" | "ended", number>
> = Object
  .freeze({
    /** Done, or the answer is yes. */
    done: 0,
    /** The answer is no: problems were found, or the user did not confirm. Nothing failed. */
    no: 1,
    /** Wrong use: a command, an option, a limiter or a configuration that cannot be used. Nothing was changed. */
    usage: 2,
    /** The store cannot be reached, or refuses. */
    store: 3,
    /** A defect of this program. */
    defect: 70,
    /** The output cannot be written. */
    output: 74,
    /** Stopped by SIGINT. */
    stopped: 130,
    /** Stopped by SIGTERM. */
    ended: 143,
  });

/** The exit codes in the words of the help. */
export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.done, "done, or the answer is yes"],
  [EXIT.no, "the answer is no: problems were found, or you did not confirm"],
  [EXIT.usage, "wrong use: a command, an option, a limiter or a configuration file that cannot be used"],
  [EXIT.store, "the store cannot be reached, or refuses"],
  [EXIT.defect, "a defect of this program"],
  [EXIT.output, "the output cannot be written: the disk is full"],
  [EXIT.stopped, "stopped by Ctrl-C or SIGINT"],
  [EXIT.ended, "stopped by SIGTERM"],
];
