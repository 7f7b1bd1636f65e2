import { asUsageError } from "../command-line-error.ts";
import type { CommandDefinition, Invocation } from "../command.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { findMissingThreads } from "../find-threads.ts";
import { escapeControls } from "../terminal/escape-controls.ts";
import { formatCount } from "../terminal/format-count.ts";
import { showProgress } from "../terminal/progress.ts";
import { printTable } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { Damage } from "../../upkeep/damage-list.ts";
import type { ThreadReport } from "../../upkeep/verify-thread.ts";

interface VerifyOptions {
  readonly all?: boolean | undefined;
}

/** `threadkeep verify`. */
export const verifyCommand: CommandDefinition<VerifyOptions> = {
  name: "verify",
  group: "Look:",
  summary: "verify everything that is stored of threads",
  description:
    "Reads everything that is stored of threads and verifies each hash, each reference and the chain of checkpoints. " +
    "Changes nothing. The exit code is 4 if there is damage",
  examples: [
    ["verify 42", "one thread"],
    ["verify --all", "all threads, one after the other"],
    ["verify --all --json | jq '.damaged[].threadId'", "only which threads are damaged"],
  ],
  configure: (command) => {
    command
      .argument("[threads...]", "ids of the threads")
      .option("-a, --all", "all threads, also those whose record is lost");
  },
  run,
};

/** What was verified in all. */
interface Verification {
  threads: number;
  checkpoints: number;
  segments: number;
  writes: number;
  orphanedSegments: number;
  readonly damaged: ThreadReport[];
}

async function run({
  args: [given = []],
  options: { all },
  terminal,
  connect,
  present,
}: Invocation<VerifyOptions>): Promise<ExitCode> {
  const threadIds = [...new Set(given)];
  if ((all === true) === threadIds.length > 0) {
    throw asUsageError("Name threads, or give --all: one of the two.");
  }
  const { saver } = await connect();
  const sum: Verification = {
    threads: 0,
    checkpoints: 0,
    segments: 0,
    writes: 0,
    orphanedSegments: 0,
    damaged: [],
  };
  const total = all === true ? await saver.threads.count() : threadIds.length;
  const progress = await showProgress(terminal, "threads", total);
  for await (const threadId of all === true ? saver.threads.ids() : threadIds) {
    const report = await saver.verifyThread(threadId);
    if (all !== true && isEmpty(report))
      await findMissingThreads(saver, [threadId], { isError: true });
    add(sum, report);
    progress.setTotal(sum.threads);
    progress.advance();
  }
  progress.stop();
  await present(sum, () => show(terminal, sum));
  return sum.damaged.length === 0 ? EXIT_CODES.done : EXIT_CODES.damaged;
}

function isEmpty({ checkpoints, segments, writes, damages }: ThreadReport): boolean {
  return checkpoints + segments + writes + damages.length === 0;
}

function add(sum: Verification, report: ThreadReport): void {
  sum.threads += 1;
  for (const key of ["checkpoints", "segments", "writes", "orphanedSegments"] as const) {
    sum[key] += report[key];
  }
  if (report.damages.length > 0) sum.damaged.push(report);
}

async function show(terminal: Terminal, sum: Verification): Promise<void> {
  const { threads, checkpoints, segments, writes, orphanedSegments, damaged } = sum;
  for (const { threadId, damages } of damaged) {
    if (terminal.isTerminal) {
      const name = terminal.style("bold", escapeControls(threadId));
      terminal.print(
        `${terminal.style("red", "✗")} ${name}: ${formatCount(damages.length, "damage")}`,
      );
    }
    const columns = [
      { title: "Document" },
      { title: "Which", isWide: true },
      { title: "Fault", isWide: true },
    ];
    const rows = damages.map((damage) => [
      { plain: damage.document },
      { plain: damage.which },
      { plain: describeFault(damage) },
    ]);
    // A program reads lines, and not what stands above them.
    if (terminal.isTerminal) await printTable(terminal, columns, rows);
    else {
      const named = rows.map((row) => [{ plain: threadId }].concat(row));
      await printTable(terminal, [{ title: "Thread" }, ...columns], named);
    }
  }
  const read = [
    formatCount(threads, "thread"),
    formatCount(checkpoints, "checkpoint"),
    formatCount(segments, "segment"),
    formatCount(writes, "pending write"),
  ].join(", ");
  const orphans =
    orphanedSegments === 0
      ? ""
      : ` ${formatCount(orphanedSegments, "segment")} that nothing refers to: \`threadkeep sweep\` removes them.`;
  const verdict =
    damaged.length === 0
      ? `${terminal.style("green", "✓")} No damage in`
      : `${terminal.style("red", "✗")} ${formatCount(damaged.length, "damaged thread")} among`;
  // Programs read the damages; that there are none is in the exit code.
  if (terminal.isTerminal) terminal.print(`${verdict} ${read}.${orphans}`);
  else terminal.note(`${verdict} ${read}.${orphans}`);
}

function describeFault({ field, expected, found }: Damage): string {
  return `${field === undefined ? "" : `${field}: `}expected ${expected}, found ${found}`;
}
