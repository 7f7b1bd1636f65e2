import type { CommandDefinition } from "../command.ts";
import { formatBytes } from "../terminal/format-bytes.ts";
import { formatCount } from "../terminal/format-count.ts";

/** `threadkeep copy`. */
export const copyCommand: CommandDefinition = {
  name: "copy",
  group: "Move threads:",
  summary: "copy a thread, with all of its checkpoints",
  description:
    "Copies a thread: all checkpoints of all namespaces, their pending writes and metadata. The target must have no " +
    "checkpoints. From then on, the two have nothing in common",
  examples: [["copy 42 42-experiment", "the copy can go its own way"]],
  configure: (command) => {
    command.argument("<source>", "the thread").argument("<target>", "the id of the copy");
  },
  run: async ({ args: [source, target], connect, present, terminal }) => {
    const { saver } = await connect();
    const result = await saver.copyThread(String(source), String(target));
    await present({ source, target, ...result }, () => {
      terminal.print(
        `Copied ${formatCount(result.checkpoints, "checkpoint")}, ${formatBytes(result.bytes)}.`,
      );
    });
  },
};
