import type { Kill } from "../killing/run-record.ts";
import type { RunObserver } from "../killing/supervisor.ts";
import type { ModelReport } from "../worker/model-reports.ts";
import { describeCall, type ModelCall } from "../recording/model-call.ts";
import type { CheckpointPlace, TaskPlace, WorkerEvent } from "../worker/worker-events.ts";
import { style } from "./style.ts";

/** Where the timeline's lines go, and what they contain. */
export interface TimelineOptions {
  /** Takes one line. */
  write: (line: string) => void;
  /** Also show each task's begin and each request to the model. */
  verbose: boolean;
}

/** Writes what happens to a thread as lines of a table: when, in which process, what. */
export class Timeline implements RunObserver {
  readonly #options: TimelineOptions;
  readonly #startedAt = Date.now();
  /** In USD, by all processes; `undefined` once an answer came at a price nobody knows. */
  #spent: number | undefined = 0;

  constructor(options: TimelineOptions) {
    this.#options = options;
    this.#options.write(style("dim", "    time   process  spent, $  step  what happens"));
  }

  onEvent(pid: number, event: WorkerEvent): void {
    switch (event.type) {
      case "ready":
        if (!event.from)
          return this.#line(pid, "", style("cyan", "▶ starts: the thread has no checkpoint"));
        this.#line(
          pid,
          event.from.step,
          style("cyan", `▶ resumes from ${describeCheckpoint(event.from)}`),
        );
        if (event.from.storedTasks.length > 0)
          this.#line(
            pid,
            "",
            style("cyan", `  ${event.from.storedTasks.length} of its next tasks are done already`),
          );
        return;
      case "subgraph-resumed":
        return this.#line(
          pid,
          event.from.step,
          style(
            "cyan",
            `▶ resumes ${event.path.join(" › ")} from ${describeCheckpoint(event.from)}`,
          ),
        );
      case "task-begun":
        if (this.#options.verbose)
          this.#line(pid, event.task.step, style("dim", `· ${describeTask(event.task)}`));
        return;
      case "task-done":
        return this.#line(
          pid,
          event.task.step,
          `${style("green", "✓")} ${describeTask(event.task)}`,
        );
      case "model":
        return this.#onModelReport(pid, event.report);
      case "finished":
        return this.#line(pid, "", style("cyan", "■ reaches the end"));
    }
  }

  #onModelReport(pid: number, report: ModelReport): void {
    switch (report.type) {
      case "answered": {
        const { model, inputTokens, outputTokens, costUsd } = report;
        this.#spent =
          this.#spent === undefined || costUsd === undefined ? undefined : this.#spent + costUsd;
        const cost = costUsd === undefined ? "price unknown" : `$${costUsd.toFixed(6)}`;
        const text = `  ${model} answers: ${inputTokens} + ${outputTokens} tokens, ${cost}`;
        return this.#line(pid, "", style("dim", text));
      }
      case "failed":
        return this.#line(pid, "", style("yellow", `! ${report.model}: ${report.reason}`));
      case "retry":
        return this.#line(
          pid,
          "",
          style("yellow", `  asks it again in ${(report.delayMs / 1000).toFixed(1)} s`),
        );
      case "fallback":
        return this.#line(pid, "", style("yellow", `  falls back to ${report.to}`));
    }
  }

  onKill({ pid, number, title, signal, inFlight, storedTasks }: Kill): void {
    this.#line(pid, "", style("red", `✗ ${signal} (kill ${number}): ${title}`));
    this.#line(pid, "", style("red", `  in flight: ${inFlight.map(describeCall).join(", ")}`));
    if (storedTasks.length > 0)
      this.#line(pid, "", style("red", `  stored: ${storedTasks.length} finished branches`));
  }

  /** One request to the model, each time something about it changes. Shown when verbose. */
  onCall(call: ModelCall): void {
    if (!this.#options.verbose) return;
    const status = call.status === undefined ? "" : ` ${call.status}`;
    this.#line(
      "model",
      "",
      style(
        "dim",
        `  request ${call.id} ${call.digest} ${describeCall(call)}: ${call.outcome}${status}`,
      ),
    );
  }

  #line(process: number | string, step: number | string, text: string): void {
    const seconds = ((Date.now() - this.#startedAt) / 1000).toFixed(2);
    const spent = this.#spent?.toFixed(6) ?? "unknown";
    const place = `${seconds.padStart(7)}s  ${String(process).padStart(7)}  ${spent.padStart(8)}`;
    this.#options.write(`${style("dim", place)}  ${String(step).padStart(4)}  ${text}`);
  }
}

function describeTask({ path, subject }: TaskPlace): string {
  return path.join(" › ") + (subject === undefined ? "" : ` ${subject}`);
}

function describeCheckpoint({ checkpointId, step }: CheckpointPlace): string {
  return `checkpoint ${checkpointId.slice(0, 13)}… (step ${step})`;
}
