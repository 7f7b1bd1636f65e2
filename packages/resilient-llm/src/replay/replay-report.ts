import { inspect } from "node:util";
import type { ValueDifference } from "./compare-values.ts";

/** A call of a model or a tool in a replayed step. */
export interface ReplayedCall {
  /** What was called. */
  readonly kind: "model" | "tool";
  /** The node that made the call, with those around it: `research|search`. */
  readonly node: string;
  /** The tool. `undefined` for a model. */
  readonly tool: string | undefined;
  /**
   * - `replayed`: it got the recorded answer.
   * - `asked`: it was changed by `with`, and asked for real.
   * - `ran`: the tool ran, as `runTools` allows.
   * - `missing`: nothing is recorded of it, and it was not made.
   */
  readonly outcome: "asked" | "missing" | "ran" | "replayed";
  /** The recorded answer of a call that was asked for real. */
  readonly before: string | undefined;
  /** The real answer. */
  readonly after: string | undefined;
  /** Why a call is missing. */
  readonly reason: string | undefined;
}

/** A superstep that was replayed. */
export interface ReplayedStep {
  /** The checkpoint that it began with. */
  readonly checkpointId: string;
  /** LangGraph's number of the step. */
  readonly step: number;
  /** The nodes that ran. */
  readonly nodes: readonly string[];
  /**
   * - `same`: it led to the stored state.
   * - `different`: it did not, or a call of it is missing.
   * - `unfinished`: the stored thread did not get further than this, so there is nothing to compare with.
   */
  readonly outcome: "different" | "same" | "unfinished";
  /** Where the state after the step differs from the stored one. */
  readonly differences: readonly ValueDifference[];
  /** What the step asked, in order. */
  readonly calls: readonly ReplayedCall[];
  /** What the step failed with. */
  readonly error: string | undefined;
}

/** What came of a replay. */
export interface ReplayReport {
  /** The thread. */
  readonly threadId: string;
  /** Whether every step is the same. */
  readonly isSame: boolean;
  /** The steps, in the order of the stored thread. */
  readonly steps: readonly ReplayedStep[];
}

const MAX_SHOWN_CHARS = 200;
const MAX_SHOWN_DIFFERENCES = 10;

function show(value: unknown): string {
  if (value === undefined) return "(nothing)";
  const text = typeof value === "string" ? value : inspect(value, { breakLength: Infinity });
  const line = text.replaceAll("\n", "\\n");
  return line.length > MAX_SHOWN_CHARS ? `${line.slice(0, MAX_SHOWN_CHARS)}…` : line;
}

function formatCall({ after, before, kind, node, outcome, reason, tool }: ReplayedCall): string[] {
  const what = kind === "model" ? `model call of ${node}` : `tool ${tool} of ${node}`;
  if (outcome === "missing") return [`  ${what}: ${reason}`];
  if (outcome !== "asked") return [];
  return [`  ${what}: asked for real`, `    - ${show(before)}`, `    + ${show(after)}`];
}

function formatStep({ calls, differences, error, nodes, outcome, step }: ReplayedStep): string[] {
  const head = `step ${step}: ${nodes.join(", ")}: ${outcome}`;
  const shown = differences.slice(0, MAX_SHOWN_DIFFERENCES);
  const rest = differences.length - shown.length;
  return [
    head,
    ...calls.flatMap((call) => formatCall(call)),
    ...(error === undefined ? [] : [`  failed: ${show(error)}`]),
    ...shown.flatMap(({ after, before, path }) => [
      `  ${path}`,
      `    - ${show(before)}`,
      `    + ${show(after)}`,
    ]),
    ...(rest > 0 ? [`  and ${rest} more differences`] : []),
  ];
}

/** A report as text: a line for each step, and below it what differs. `-` was stored, `+` is new. */
export function formatReplay({ steps, threadId }: ReplayReport): string {
  const different = steps.filter(({ outcome }) => outcome === "different").length;
  const verdict = different === 0 ? "all the same" : `${different} different`;
  const head = `thread ${JSON.stringify(threadId)}: ${steps.length} ${steps.length === 1 ? "step" : "steps"} replayed, ${verdict}`;
  return [head, ...steps.flatMap((step) => formatStep(step))].join("\n");
}
