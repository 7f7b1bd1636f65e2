import { Option } from "commander";
import type { LabelType } from "../../history/label.ts";
import { asUsageError } from "../command-line-error.ts";
import type { CommandDefinition, Invocation } from "../command.ts";
import { toMoment } from "../terminal/moment-cell.ts";
import { printTable } from "../terminal/table.ts";

interface LabelOptions {
  readonly checkpoint?: string | undefined;
  readonly namespace?: string | undefined;
  readonly type?: LabelType | undefined;
  readonly remove?: boolean | undefined;
}

const TYPES: readonly LabelType[] = [
  "manual",
  "before_call",
  "after_call",
  "periodic",
  "emergency",
];

/** `threadkeep label`. */
export const labelCommand: CommandDefinition<LabelOptions> = {
  name: "label",
  group: "Change threads:",
  summary: "give a checkpoint a name, or list the names of a thread",
  examples: [
    ["label 42", "the labels of a thread"],
    ["label 42 before-refund", "of its latest checkpoint"],
    ["label 42 good --checkpoint 1f0c8a6e-…", "of an earlier one"],
    ["label 42 good --remove", "the checkpoint stays"],
  ],
  configure: (command) => {
    command
      .argument("<thread>", "its id")
      .argument("[name]", "the label; without it, labels are listed")
      .option("--checkpoint <checkpoint>", "the checkpoint to label, by default the latest")
      .option("--namespace <namespace>", "the namespace of a subgraph")
      .addOption(new Option("--type <type>", "what it is for").choices(TYPES))
      .option("--remove", "take the label away");
  },
  run,
};

async function run(invocation: Invocation<LabelOptions>): Promise<void> {
  const { args, options, connect, present, terminal } = invocation;
  const [threadId, name] = args.map((given) => given?.toString());
  const { checkpoint, namespace = "", type, remove } = options;
  if (name === undefined) {
    if (remove === true || checkpoint !== undefined) {
      throw asUsageError("Name the label: threadkeep label <thread> <name>.");
    }
    await list(invocation, String(threadId));
    return;
  }
  const { saver } = await connect();
  const configurable = {
    thread_id: threadId,
    checkpoint_ns: namespace,
    ...(checkpoint !== undefined && { checkpoint_id: checkpoint }),
  };
  if (remove === true) {
    await saver.removeLabel(String(threadId), name, { checkpointNs: namespace });
    await present({ removed: name }, () =>
      terminal.print(`Removed label ${JSON.stringify(name)}.`),
    );
    return;
  }
  const label = await saver.label({ configurable }, { name, ...(type !== undefined && { type }) });
  await present(label, () => {
    terminal.print(`Labelled checkpoint ${label.checkpointId} ${JSON.stringify(name)}.`);
  });
}

async function list(
  { options: { namespace, type }, connect, present, terminal }: Invocation<LabelOptions>,
  threadId: string,
): Promise<void> {
  const { saver } = await connect();
  const labels = await saver.listLabels(threadId, { type, checkpointNs: namespace });
  await present({ threadId, labels }, async () => {
    if (labels.length === 0) {
      terminal.note("No labels.");
      return;
    }
    const nowMs = Date.now();
    await printTable(
      terminal,
      [
        { title: "Label", isWide: true },
        { title: "Type" },
        { title: "Checkpoint" },
        { title: "Given" },
        { title: "Namespace", isWide: true },
      ],
      labels.map((label) => [
        { plain: label.name },
        { plain: label.type },
        { plain: label.checkpointId },
        toMoment(label.createdAt, nowMs),
        { plain: label.checkpointNs },
      ]),
    );
  });
}
