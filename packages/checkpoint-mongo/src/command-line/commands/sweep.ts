import { parseDuration } from "../arguments/parse-duration.ts";
import type { CommandDefinition } from "../command.ts";
import { formatCount } from "../terminal/format-count.ts";
import { printFields } from "../terminal/fields.ts";

interface SweepOptions {
  /** Seconds. */
  readonly grace?: number | undefined;
}

/** `threadkeep sweep`. */
export const sweepCommand: CommandDefinition<SweepOptions> = {
  name: "sweep",
  group: "Keep the database:",
  summary: "remove segments that nothing refers to",
  description:
    "Removes segments that nothing refers to: processes that died leave them behind, and so do removed checkpoints. " +
    "The first sweep marks them; one that comes after the grace period removes them. Safe while savers are at work",
  examples: [
    ["sweep", "all threads; run it daily"],
    ["sweep 42 --grace 10m", "one thread"],
  ],
  configure: (command) => {
    command
      .argument("[thread]", "only this thread")
      .option(
        "--grace <duration>",
        "how long a segment stays marked, at least 10m (default: 1h)",
        (text) => parseDuration("--grace", text),
      );
  },
  run: async ({ args: [threadId], options: { grace }, connect, present, terminal }) => {
    const { saver } = await connect();
    const result = await saver.sweep({
      ...(typeof threadId === "string" && { threadId }),
      ...(grace !== undefined && { graceSeconds: grace }),
    });
    await present(result, () => {
      printFields(terminal, [
        ["Marked", { plain: result.condemned, shown: formatCount(result.condemned, "segment") }],
        ["Removed", { plain: result.removed, shown: formatCount(result.removed, "segment") }],
      ]);
    });
  },
};
