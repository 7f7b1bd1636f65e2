import type { AIMessage } from "@langchain/core/messages";
import type { SessionInput } from "./session-input.ts";

/** What a step gets. */
export interface StepContext {
  /** Asks the model, as part of the step: what is said is stored with the step. */
  ask(input: SessionInput): Promise<AIMessage>;
  /** The session's variables. What a step changes is stored with it. */
  readonly variables: Record<string, unknown>;
  /** What the steps before it returned. */
  readonly results: readonly unknown[];
  /** Aborts when the caller's signal does. */
  readonly signal: AbortSignal | undefined;
}

/** A step. What it returns is stored, so it is something that the checkpointer can store. */
export type StepFunction = (context: StepContext) => unknown;

/** A step with a name, by which it is known after a deploy. */
export interface NamedStep {
  /** The name. */
  readonly name: string;
  /** Carries it out. */
  readonly run: StepFunction;
}

/** A step: a function, known by its name or its place, or one with a name. */
export type SessionStep = StepFunction | NamedStep;

/** Options of {@link Session.run}. */
export interface RunOptions {
  /**
   * A checkpoint is stored after so many steps, and after the last one.
   *
   * @default 1
   */
  readonly everyNSteps?: number | undefined;

  /**
   * Which run of the session it is. A run that is complete is not made again: its results are returned.
   *
   * @default "run"
   */
  readonly name?: string | undefined;

  /**
   * Whether the run goes on after the last step that is stored. If not, it begins with the first step.
   *
   * @default true
   */
  readonly tryResume?: boolean | undefined;

  /**
   * Ends the run before its next step, and the model's answer that is under way.
   *
   * @default undefined
   */
  readonly signal?: AbortSignal | undefined;
}

/** Steps with names: those that have none are named by their places. */
export function nameSteps(steps: readonly SessionStep[]): NamedStep[] {
  return steps.map((step, index) =>
    typeof step === "function" ? { name: step.name || `step ${index + 1}`, run: step } : step,
  );
}
