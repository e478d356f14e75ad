/**
 * `ratesync completion`
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import { candidatesFor } from "../completion/candidates.ts";
import { SHELLS } from "../completion/shells.ts";
import { unknownWord, UsageError } from "../failure.ts";

/** Prints a script that completes words in a shell. With `--words`, it is what that script calls. */
export const command: Command = defineCommand({
  about: "The script completes commands, options, and the ids of limiters and stores of your configuration.",
  arguments: {
    shell: { kind: "texts", completes: "shell", optional: true, about: "The shell: bash, zsh or fish" },
  },
  options: {
    words: { kind: "flag", about: "For these scripts: print what the last of the words behind -- can become" },
  },
  examples: [
    ["source <(ratesync completion bash)", "completes in this bash; for all of them, put it into ~/.bashrc"],
    ["source <(ratesync completion zsh)", "the same for zsh, in ~/.zshrc behind compinit"],
    ["ratesync completion fish | source", "the same for fish, in ~/.config/fish/completions/ratesync.fish"],
  ],
  async run(context, { shell: words, words: completes }) {
    if (completes) {
      const found = await candidatesFor(words, context.commands, async (kind, file) => {
        const { config } = await context.config(file).catch(() => ({ config: { limiters: {}, stores: {} } }));
        return Object.keys(kind === "limiter" ? config.limiters : config.stores);
      });
      return {
        json: { candidates: found },
        text: found.map(({ word, about }) => `${word}\t${about}`.trimEnd()).join("\n"),
      };
    }
    const [shell, ...more] = words;
    const shells = Object.keys(SHELLS);
    if (shell === undefined || more.length > 0) throw new UsageError(`Name one shell: ${shells.join(", ")}`);
    if (!Object.hasOwn(SHELLS, shell)) throw unknownWord("shell", shell, shells);
    const script = SHELLS[shell as keyof typeof SHELLS];
    return { json: { shell, script }, text: script };
  },
});
