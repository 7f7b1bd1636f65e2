import type { CommandDefinition, Invocation } from "../command.ts";
import { describeFailure } from "../describe-failure.ts";
import type { Finding, Patient, Verdict } from "../doctor/finding.ts";
import { EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { escapeControls } from "../terminal/escape-controls.ts";
import { formatCount } from "../terminal/format-count.ts";
import type { Style, Terminal } from "../terminal/terminal.ts";

interface DoctorOptions {
  readonly strict?: boolean | undefined;
}

/** `threadkeep doctor`. */
export const doctorCommand: CommandDefinition<DoctorOptions> = {
  name: "doctor",
  group: "Keep the database:",
  summary: "look for what endangers threads",
  description:
    "Looks at server, topology, indexes, clock, write concern, TTL monitor, encryption, the versions of LangGraph and " +
    "driver, and options that weaken guarantees. Changes nothing. The exit code is 4 if there is a problem",
  examples: [
    ["doctor", "all checks"],
    ["doctor --strict", "a warning ends with exit code 4, too: for a pipeline"],
    ["doctor --config ./saver-options.mjs", "looks at the options of your saver, too"],
  ],
  configure: (command) => {
    command.option("--strict", "warnings count as problems");
  },
  run,
};

async function run({
  options: { strict },
  terminal,
  connect,
  present,
}: Invocation<DoctorOptions>): Promise<ExitCode> {
  const { checkVersions } = await import("../doctor/check-versions.ts");
  const findings: Finding[] = [...checkVersions(process.cwd())];
  try {
    const session = await connect();
    const hello = await session.client.db("admin").command({ hello: 1 });
    const hosts = session.client.options.hosts.map(String).join(", ");
    findings.push({ check: "Connection", verdict: "ok", found: hosts });
    findings.push(...(await examine({ ...session, hello })));
  } catch (error) {
    // What the checks found until then is told all the same.
    const { message, exitCode } = describeFailure(error, []);
    if (exitCode !== EXIT_CODES.unavailable) throw error;
    findings.push({ check: "Connection", verdict: "problem", found: message });
  }
  const counts = countVerdicts(findings);
  await present({ ...counts, findings }, () => show(terminal, findings, counts));
  const isIll = counts.problem > 0 || (strict === true && counts.warning > 0);
  return isIll ? EXIT_CODES.damaged : EXIT_CODES.done;
}

async function examine(patient: Patient): Promise<readonly Finding[]> {
  const [server, clock, durability, collection, expiry, encryption, settings] = await Promise.all([
    import("../doctor/check-server.ts").then(({ checkServer }) => checkServer(patient)),
    import("../doctor/check-clock.ts").then(({ checkClock }) => checkClock(patient)),
    import("../doctor/check-durability.ts").then(({ checkDurability }) => checkDurability(patient)),
    import("../doctor/check-collection.ts").then(({ checkCollection }) => checkCollection(patient)),
    import("../doctor/check-expiry.ts").then(({ checkExpiry }) => checkExpiry(patient)),
    import("../doctor/check-encryption.ts").then(({ checkEncryption }) => checkEncryption(patient)),
    import("../doctor/check-settings.ts").then(({ checkSettings }) => checkSettings(patient)),
  ]);
  return [...server, ...clock, ...durability, ...collection, ...expiry, ...encryption, ...settings];
}

function countVerdicts(findings: readonly Finding[]): Readonly<Record<Verdict, number>> {
  const counts = { ok: 0, note: 0, warning: 0, problem: 0, unknown: 0 };
  for (const { verdict } of findings) counts[verdict] += 1;
  return counts;
}

const MARKS: Readonly<Record<Verdict, readonly [mark: string, style: Style]>> = {
  ok: ["✓", "green"],
  note: ["i", "blue"],
  warning: ["!", "yellow"],
  problem: ["✗", "red"],
  unknown: ["?", "dim"],
};

function show(
  terminal: Terminal,
  findings: readonly Finding[],
  { problem, warning }: Readonly<Record<Verdict, number>>,
): void {
  const width = Math.max(...findings.map(({ check }) => check.length));
  for (const { check, verdict, found, advice } of findings) {
    if (!terminal.isTerminal) {
      terminal.print([check, verdict, found, advice ?? ""].map(escapeControls).join("\t"));
      continue;
    }
    const [mark, style] = MARKS[verdict];
    terminal.print(
      `${terminal.style(style, mark)} ${check.padEnd(width)}  ${escapeControls(found)}`,
    );
    if (advice !== undefined) {
      terminal.print(`  ${" ".repeat(width)}  ${terminal.style("dim", escapeControls(advice))}`);
    }
  }
  if (!terminal.isTerminal) return;
  terminal.print("");
  terminal.print(
    problem + warning === 0
      ? terminal.style("green", "Nothing endangers the threads.")
      : `${formatCount(problem, "problem")}, ${formatCount(warning, "warning")}.`,
  );
}
