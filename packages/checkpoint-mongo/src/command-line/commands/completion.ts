import type { CommandDefinition } from "../command.ts";
import { asUsageError } from "../command-line-error.ts";
import { findNearestName } from "../../options/find-nearest-name.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/** `threadkeep completion`. */
export const completionCommand: CommandDefinition = {
  name: "completion",
  group: "This program:",
  summary: "print a script that completes commands in a shell",
  examples: [
    ["completion bash >> ~/.bashrc", "bash"],
    ["completion zsh >> ~/.zshrc", "zsh, after compinit"],
    ["completion fish > ~/.config/fish/completions/threadkeep.fish", "fish"],
  ],
  configure: (command) => {
    command.argument("<shell>", SHELLS.join(", "));
  },
  run: async ({ args: [given] }) => {
    const shell = SHELLS.find((name) => name === given);
    if (shell === undefined) {
      const nearest = findNearestName(String(given), SHELLS);
      throw asUsageError(
        [
          `There is no completion for ${JSON.stringify(given)}, only for ${SHELLS.join(", ")}.`,
          ...(nearest === undefined ? [] : [`Did you mean ${nearest}?`]),
        ].join(" "),
      );
    }
    const { script } = await import("@bomb.sh/tab");
    script(shell, "threadkeep", "threadkeep");
  },
};
