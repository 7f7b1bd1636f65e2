import { parseWholeNumber } from "../arguments/parse-number.ts";
import { YES_OPTION, type CommandDefinition, type Invocation } from "../command.ts";
import { asUsageError } from "../command-line-error.ts";
import { confirm } from "../terminal/ask.ts";
import { formatCount } from "../terminal/format-count.ts";

interface RollbackCommandOptions {
  readonly to?: string | undefined;
  readonly steps?: number | undefined;
  readonly discard?: boolean | undefined;
  readonly backupDays?: number | undefined;
  readonly undo?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

/** `threadkeep rollback`. */
export const rollbackCommand: CommandDefinition<RollbackCommandOptions> = {
  name: "rollback",
  group: "Change threads:",
  summary: "make an earlier state of a thread the latest",
  description:
    "Makes an earlier state the latest. What came after stays in the history, or is kept aside for some days with " +
    "--discard. --undo brings back what was the latest before",
  examples: [
    ["rollback 42 --to before-refund", "to a label"],
    ["rollback 42 --to 1f0c8a6e-…", "to a checkpoint"],
    ["rollback 42 --steps 2 --discard", "two steps back, without what came after"],
    ["rollback 42 --undo", "as it was"],
  ],
  configure: (command) => {
    command
      .argument("<thread>", "its id")
      .option("--to <checkpoint>", "the id of a checkpoint, or a label")
      .option("--steps <number>", "so many steps before the latest", (text) =>
        parseWholeNumber("--steps", text, { min: 1 }),
      )
      .option("--discard", "take what came after out of the history")
      .option("--backup-days <number>", "how long --undo can undo it (default: 7)", (text) =>
        parseWholeNumber("--backup-days", text, { min: 1, max: 3_650 }),
      )
      .option("--undo", "undo the last rollback")
      .option(...YES_OPTION);
  },
  run,
};

async function run({
  args: [thread],
  options,
  terminal,
  connect,
  present,
}: Invocation<RollbackCommandOptions>): Promise<void> {
  const threadId = String(thread);
  const { to, steps, discard, backupDays, undo } = options;
  const given = [to, steps, undo].filter((way) => way !== undefined);
  if (given.length !== 1) throw asUsageError("Give one of --to, --steps and --undo.");
  const { saver } = await connect();
  if (undo === true) {
    const config = await saver.undoRollback(threadId);
    const checkpointId = config.configurable?.["checkpoint_id"] as unknown;
    await present({ threadId, checkpointId }, () => {
      terminal.print(`The latest checkpoint is ${String(checkpointId)} again.`);
    });
    return;
  }
  const where = to === undefined ? formatCount(steps!, "step") : JSON.stringify(to);
  const rest = discard === true ? ", and take what came after out of its history" : "";
  await confirm(
    terminal,
    `Roll thread ${JSON.stringify(threadId)} back ${to === undefined ? "" : "to "}${where}${rest}?`,
    options,
  );
  const result = await saver.rollback(threadId, {
    to: to ?? { steps: steps! },
    discard,
    backupDays,
  });
  const { config, targetId, isCopy, formerId, discarded } = result;
  const checkpointId = config.configurable?.["checkpoint_id"] as unknown;
  await present({ threadId, checkpointId, targetId, isCopy, formerId, discarded }, () => {
    const source = isCopy ? `, a copy of ${targetId}` : "";
    const gone = discarded > 0 ? ` ${formatCount(discarded, "checkpoint")} discarded.` : "";
    terminal.print(`The latest checkpoint is ${String(checkpointId)}${source}.${gone}`);
    terminal.note(`To undo it: threadkeep rollback ${threadId} --undo`);
  });
}
