import type { ChannelDifference } from "../../history/diff-checkpoints.ts";
import type { CommandDefinition, Invocation } from "../command.ts";
import { escapeControls } from "../terminal/escape-controls.ts";
import { previewValue } from "../terminal/preview-value.ts";
import type { Style, Terminal } from "../terminal/terminal.ts";

interface DiffOptions {
  readonly namespace: string;
  readonly with?: string | undefined;
}

/** `threadkeep diff`. */
export const diffCommand: CommandDefinition<DiffOptions> = {
  name: "diff",
  group: "Look:",
  summary: "show what differs between two checkpoints",
  examples: [
    ["diff 42 1f0c8a6e-…", "from a checkpoint to the latest"],
    ["diff 42 1f0c8a6e-… 1f0c8a70-…", "from a checkpoint to another"],
    ["diff 42 --with 42-experiment", "from the latest of a thread to that of another"],
  ],
  configure: (command) => {
    command
      .argument("<thread>", "its id")
      .argument("[before]", "the id of a checkpoint, by default the latest")
      .argument("[after]", "the id of a checkpoint, by default the latest")
      .option("--with <thread>", "the second checkpoint is one of this thread")
      .option("--namespace <namespace>", "the namespace of a subgraph", "");
  },
  run,
};

const PREVIEW_LENGTH = 400;

async function run({
  args,
  options: { namespace, with: other },
  terminal,
  connect,
  present,
}: Invocation<DiffOptions>): Promise<void> {
  const [threadId, before, after] = args.map((given) => given?.toString());
  const toConfig = (thread: string | undefined, checkpoint: string | undefined) => ({
    configurable: {
      thread_id: thread,
      checkpoint_ns: namespace,
      ...(checkpoint !== undefined && { checkpoint_id: checkpoint }),
    },
  });
  const { saver } = await connect();
  const diff = await saver.diff(toConfig(threadId, before), toConfig(other ?? threadId, after));
  await present(diff, () => {
    if (diff.channels.length === 0) terminal.note("No differences.");
    for (const difference of diff.channels) show(terminal, difference);
  });
}

function show(terminal: Terminal, difference: ChannelDifference): void {
  const name = escapeControls(difference.channel);
  if (terminal.isTerminal) terminal.print(terminal.style("bold", name));
  for (const [mark, style, text] of listLines(difference)) {
    const preview = escapeControls(text);
    terminal.print(
      terminal.isTerminal
        ? `  ${terminal.style(style, `${mark} ${preview}`)}`
        : [name, mark, preview].join("\t"),
    );
  }
}

type Line = readonly [mark: string, style: Style, text: string];

function listLines(difference: ChannelDifference): readonly Line[] {
  const removed = (value: unknown): Line => ["-", "red", previewValue(value, PREVIEW_LENGTH)];
  const added = (value: unknown): Line => ["+", "green", previewValue(value, PREVIEW_LENGTH)];
  switch (difference.change) {
    case "added":
      return [added(difference.after)];
    case "removed":
      return [removed(difference.before)];
    case "changed":
      return [removed(difference.before), added(difference.after)];
    case "unstored":
      return [["?", "dim", "a delta channel that one of the two does not store"]];
    case "items": {
      const { changed, inserted, appended } = difference;
      return [
        ...difference.removed.map(removed),
        ...changed.flatMap((item) => [removed(item.before), added(item.after)]),
        ...inserted.map(added),
        ...appended.map(added),
      ];
    }
  }
}
