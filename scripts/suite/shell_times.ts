/**
 * What a command and all that it has started took on the processors: a shell around it knows, and writes it down.
 *
 * @module
 */

/** The command, so that it writes to the file `path` what it took on the processors when it has ended. */
export function telling(command: readonly string[], path: string): [program: string, ...args: string[]] {
  return ["sh", "-c", '"$@"; code=$?; times > "$0"; exit $code', path, ...command];
}

/** What `times` of a shell tells of the programs that it has run, in seconds: `0m1.50s 0m0.25s` in its second line. */
export function secondsOf(told: string): number | undefined {
  const [user, system] = Array.from(told.split("\n")[1]?.matchAll(/(\d+)m([\d.]+)s/g) ?? [], ([, minutes, seconds]) => {
    return Number(minutes) * 60 + Number(seconds);
  });
  return user === undefined || system === undefined ? undefined : user + system;
}
