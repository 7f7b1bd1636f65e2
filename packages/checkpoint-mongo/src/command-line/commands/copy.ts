import type { CommandDefinition, Invocation } from "../command.ts";
import { formatBytes } from "../terminal/format-bytes.ts";
import { formatCount } from "../terminal/format-count.ts";

interface CopyCommandOptions {
  readonly from?: string | undefined;
}

/** `threadkeep copy`. */
export const copyCommand: CommandDefinition<CopyCommandOptions> = {
  name: "copy",
  group: "Move threads:",
  summary: "copy a thread, or fork it from a checkpoint",
  description:
    "Copies a thread: all checkpoints of all namespaces, their pending writes and metadata. With --from, the target " +
    "only begins with the state of one checkpoint. The target must have no checkpoints. From then on, the two have " +
    "nothing in common",
  examples: [
    ["copy 42 42-experiment", "the copy can go its own way"],
    [
      "copy 42 42-refused --from before-refund",
      "from a label: it waits there with the same question",
    ],
  ],
  configure: (command) => {
    command
      .argument("<source>", "the thread")
      .argument("<target>", "the id of the copy")
      .option("--from <checkpoint>", "begin with this state: the id of a checkpoint, or a label");
  },
  run,
};

async function run({
  args,
  options: { from },
  connect,
  present,
  terminal,
}: Invocation<CopyCommandOptions>): Promise<void> {
  const [source, target] = args.map(String) as [string, string];
  const { saver } = await connect();
  if (from !== undefined) {
    const { configurable } = await saver.fork(source, { from, to: target });
    const checkpointId = String(configurable?.["checkpoint_id"]);
    await present({ source, target, checkpointId }, () => {
      terminal.printLine(
        `Thread ${JSON.stringify(target)} begins with checkpoint ${checkpointId}.`,
      );
    });
    return;
  }
  const result = await saver.copyThread(source, target);
  await present({ source, target, ...result }, () => {
    terminal.print(
      `Copied ${formatCount(result.checkpoints, "checkpoint")}, ${formatBytes(result.bytes)}.`,
    );
  });
}
