import type { AIMessage, AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { AsyncLocalStorage } from "node:async_hooks";
import { z } from "zod";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { functionOf, objectWith, positiveCount } from "../options/value-schemas.ts";
import { fitHistory, type LeftOut } from "./fit-history.ts";
import { readInput, saySame, type SessionInput, toAnswer } from "./session-input.ts";
import {
  type ResolvedSessionOptions,
  resolveSessionOptions,
  type SessionOptions,
} from "./session-options.ts";
import { type SessionParts, SessionThread, type StoredSession } from "./session-thread.ts";
import {
  type NamedStep,
  nameSteps,
  type RunOptions,
  type SessionStep,
  type StepContext,
  type StepFunction,
} from "./steps.ts";

export type { LeftOut } from "./fit-history.ts";
export type { SessionInput } from "./session-input.ts";
export type { SessionHistoryOptions, SessionModel, SessionOptions } from "./session-options.ts";
export type { NamedStep, RunOptions, SessionStep, StepContext, StepFunction } from "./steps.ts";

/** A part of a session. */
export type SessionPart = "messages" | "runs" | "variables";

/** Where a session stands. */
export interface SessionState {
  /** The checkpoint that holds it. */
  readonly checkpointId: string;
  /** The whole conversation, also what the model is not shown any more. */
  readonly messages: readonly BaseMessage[];
  /** What the session was told to keep. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** What was said and has no answer yet. `session.ask()` answers it. */
  readonly unanswered: readonly BaseMessage[];
  /** How far each run has come, by its name. */
  readonly runs: Readonly<Record<string, { readonly done: number; readonly steps: number }>>;
  /** What of the conversation the model is not shown. */
  readonly leftOut: LeftOut;
}

/** How a session is asked. */
export interface AskOptions {
  /**
   * Ends the answer. The question stays, and so does what the journal has of the answer.
   *
   * @default undefined
   */
  readonly signal?: AbortSignal | undefined;
}

/** How far a session goes back. */
export type RollbackTarget =
  /** By so many questions, with what followed them. */
  | { readonly turns: number }
  /** To a checkpoint: a `checkpointId` of a {@link SessionState}. */
  | { readonly to: string };

const targetSchema = z.union(
  [z.strictObject({ turns: positiveCount }), z.strictObject({ to: z.string().min(1) })],
  { error: "{ turns: a number from 1 } or { to: the id of a checkpoint }" },
);

const restoreSchema = z.strictObject({
  parts: z
    .array(z.enum(["messages", "runs", "variables"]))
    .min(1, { error: "at least one of messages, runs, variables" }),
  from: z.string().min(1).optional(),
});

const askSchema = z.strictObject({
  signal: objectWith<AbortSignal>("addEventListener").optional(),
});

const variablesSchema = z.record(z.string(), z.unknown(), { error: "an object" });

const stepSchema = z.union(
  [
    functionOf<StepFunction>(),
    z.object({ name: z.string().min(1), run: functionOf<StepFunction>() }),
  ],
  { error: "a function, or an object with name and run" },
);

const runSchema = z.strictObject({
  steps: z.array(stepSchema).min(1, { error: "at least one step" }),
  everyNSteps: positiveCount.default(1),
  name: z.string().min(1).default("run"),
  tryResume: z.boolean().default(true),
  signal: objectWith<AbortSignal>("addEventListener").optional(),
});

/** The sessions whose steps are under way. */
const STEPPING = new AsyncLocalStorage<Session>();

/** A conversation or job that goes on by its id, in whichever process. Made by {@link createSession}. */
export class Session {
  /** The session's id: its thread in the checkpointer and in the journal. */
  readonly sessionId: string;
  private readonly options: ResolvedSessionOptions;
  private readonly thread: SessionThread;
  /** What is under way. One thing after the other: an answer belongs to the state that it was asked in. */
  private busy: Promise<unknown> = Promise.resolve();

  /** @throws InvalidOptionsError if an option cannot be used */
  constructor(options: SessionOptions) {
    this.options = resolveSessionOptions(options);
    this.sessionId = this.options.sessionId;
    this.thread = new SessionThread(this.options.checkpointer, this.sessionId);
  }

  /** Where the session stands, or `undefined` if nothing of it is stored. */
  async tryResume(): Promise<SessionState | undefined> {
    const state = await this.thread.readLatest();
    return state.tuple && (await this.describe(state));
  }

  /**
   * Says something and gets the answer. The question is stored before the model is asked, and the answer before it
   * is returned. If the process dies in between, asking the same again goes on with that question.
   *
   * @param input what is said; left out, what is stored and has no answer is answered
   * @throws InvalidOptionsError if there is no input and nothing is unanswered
   * @throws SessionChangedError if another process has gone on with the session meanwhile
   * @throws what the model throws; the question stays
   */
  async ask(input?: SessionInput, options: AskOptions = {}): Promise<AIMessage> {
    const { signal } = checkOptions("session.ask", askSchema, options);
    return await this.exclusively(async () => {
      const question = await this.storeQuestion(input);
      const { prompt } = await fitHistory(question.messages, this.options);
      const config = this.configure(`ask@${question.checkpointId}`, signal);
      const answer = toAnswer(await this.options.model.invoke(prompt, config));
      await this.storeAnswer(question, answer);
      return answer;
    });
  }

  /**
   * Says something and gets the answer in pieces. It is stored when it is complete. A part that the journal has comes
   * as the first piece.
   *
   * @throws as {@link Session.ask}
   */
  async *stream(
    input?: SessionInput,
    options: AskOptions = {},
  ): AsyncGenerator<AIMessageChunk, undefined> {
    const { signal } = checkOptions("session.stream", askSchema, options);
    this.refuseInStep();
    const { promise, resolve: release } = Promise.withResolvers<void>();
    const before = this.busy;
    this.busy = promise;
    try {
      await before.catch(() => undefined);
      const question = await this.storeQuestion(input);
      const { prompt } = await fitHistory(question.messages, this.options);
      const config = this.configure(`ask@${question.checkpointId}`, signal);
      let whole: AIMessageChunk | undefined;
      for await (const chunk of await this.options.model.stream(prompt, config)) {
        whole = whole ? whole.concat(chunk) : chunk;
        yield chunk;
      }
      if (whole) await this.storeAnswer(question, toAnswer(whole));
    } finally {
      release();
    }
    return undefined;
  }

  /**
   * Keeps values with the session. Those of other names stay.
   *
   * @throws InvalidOptionsError if it is no object
   * @throws what the checkpointer throws if it cannot store a value
   */
  async setVariables(variables: Readonly<Record<string, unknown>>): Promise<SessionState> {
    const given = checkOptions("session.setVariables", variablesSchema, variables);
    return await this.exclusively(async () => {
      const state = await this.thread.readLatest();
      const note = { moment: "variables", unanswered: state.unanswered } as const;
      const changes = { variables: { ...state.variables, ...given } };
      return await this.describe(await this.thread.save(state, changes, note));
    });
  }

  /**
   * Carries out steps, one after the other, and returns what they return. After a crash, the steps that are stored are
   * not carried out again, and answers that the journal has are not asked for again.
   *
   * @throws InvalidOptionsError if the stored steps are others than these
   * @throws what a step throws; the steps before it that are stored stay
   */
  async run(steps: readonly SessionStep[], options: RunOptions = {}): Promise<unknown[]> {
    const given = checkOptions("session.run", runSchema, { ...options, steps });
    const { everyNSteps, name, signal, tryResume } = given;
    const named = nameSteps(given.steps);
    return await this.exclusively(async () => {
      let stored = await this.thread.readLatest();
      const results = tryResume ? readResults(stored, name, named) : [];
      let { messages } = stored;
      let variables = { ...stored.variables };
      for (let index = results.length; index < named.length; index += 1) {
        signal?.throwIfAborted();
        const stepMessages = [...messages];
        const task = `run:${name}:${index}@${stored.checkpointId}`;
        const context = this.createContext(task, stepMessages, { results, signal, variables });
        const step = named[index] as NamedStep;
        results.push(await STEPPING.run(this, async () => await step.run(context)));
        messages = stepMessages;
        if ((index + 1) % everyNSteps !== 0 && index + 1 < named.length) continue;
        const progress = { steps: named.map((one) => one.name), results: [...results] };
        const runs = { ...stored.runs, [name]: progress };
        const note = { moment: "steps", unanswered: 0 } as const;
        const changes = { messages: stepMessages, runs, variables };
        stored = await this.thread.save(stored, changes, note);
        ({ messages } = stored);
        variables = { ...stored.variables };
      }
      return results;
    });
  }

  /**
   * Begins anew with these parts of what is stored. The other ones are empty then.
   *
   * @param options.from the checkpoint that they are taken from; left out, the latest one
   * @throws InvalidOptionsError if there is no such part or checkpoint
   */
  async restore(
    parts: readonly SessionPart[],
    options: { readonly from?: string | undefined } = {},
  ): Promise<SessionState> {
    const given = checkOptions("session.restore", restoreSchema, { ...options, parts });
    const { from, parts: wanted } = given;
    return await this.exclusively(async () => {
      const latest = await this.thread.readLatest();
      const source = from === undefined ? latest : await this.thread.read(from);
      const pick = <Part extends SessionPart>(part: Part, empty: SessionParts[Part]) =>
        wanted.includes(part) ? source[part] : empty;
      const changes: SessionParts = {
        messages: pick("messages", []),
        runs: pick("runs", {}),
        variables: pick("variables", {}),
      };
      const unanswered = wanted.includes("messages") ? source.unanswered : 0;
      const note = { moment: "restore", unanswered } as const;
      return await this.describe(await this.thread.save(latest, changes, note));
    });
  }

  /**
   * Makes an earlier state the latest. What came after it stays in the thread's history.
   *
   * @throws InvalidOptionsError if the session has no such state
   */
  async rollback(target: RollbackTarget): Promise<SessionState> {
    const checked = checkOptions("session.rollback", targetSchema, target);
    return await this.exclusively(async () => {
      const goal = "to" in checked ? await this.thread.read(checked.to) : await this.find(checked);
      return await this.describe(await this.thread.goBack(goal));
    });
  }

  /** Deletes the session's thread. The journal's entries are deleted with `journal.deleteThread`, or expire. */
  async delete(): Promise<void> {
    await this.exclusively(() => this.options.checkpointer.deleteThread(this.sessionId));
  }

  private async storeQuestion(input: SessionInput | undefined): Promise<StoredSession> {
    const state = await this.thread.readLatest();
    const unanswered = readUnanswered(state);
    if (input === undefined) {
      if (unanswered.length > 0) return state;
      throw new InvalidOptionsError(
        `session.ask: nothing in the session ${JSON.stringify(this.sessionId)} waits for an answer. Say what to ask.`,
      );
    }
    const asked = readInput(input);
    if (saySame(asked, unanswered)) return state;
    const changes = { messages: [...state.messages, ...asked] };
    const note = { moment: "question", unanswered: state.unanswered + asked.length } as const;
    return await this.thread.save(state, changes, note);
  }

  private async storeAnswer(question: StoredSession, answer: AIMessage): Promise<void> {
    const changes = { messages: [...question.messages, answer] };
    await this.thread.save(question, changes, { moment: "answer", unanswered: 0 });
  }

  private createContext(
    task: string,
    messages: BaseMessage[],
    rest: Omit<StepContext, "ask">,
  ): StepContext {
    let asked = 0;
    const ask: StepContext["ask"] = async (input) => {
      messages.push(...readInput(input));
      const { prompt } = await fitHistory(messages, this.options);
      asked += 1;
      const config = this.configure(`${task}:${asked}`, rest.signal);
      const answer = toAnswer(await this.options.model.invoke(prompt, config));
      messages.push(answer);
      return answer;
    };
    return { ...rest, ask };
  }

  /** @param task what the journal knows the call by: the same after a crash, another one after a rollback */
  private configure(task: string, signal: AbortSignal | undefined): RunnableConfig {
    return {
      configurable: { thread_id: this.sessionId },
      ...(signal ? { signal } : {}),
      ...(this.options.canJournal ? { journal: { task } } : {}),
    };
  }

  /** The state before the last so many questions. */
  private async find({ turns }: { readonly turns: number }): Promise<StoredSession> {
    let state = await this.thread.readLatest();
    for (let left = turns; left > 0;) {
      if (!state.tuple) {
        const there = turns - left;
        throw new InvalidOptionsError(
          `session.rollback: turns is ${turns}, but the session ${JSON.stringify(this.sessionId)} has ${there}.`,
        );
      }
      if (state.moment === "question") left -= 1;
      state = await this.thread.readParent(state);
    }
    return state;
  }

  private async describe(state: StoredSession): Promise<SessionState> {
    const { checkpointId, messages, runs, variables } = state;
    const { leftOut } = await fitHistory(messages, this.options);
    const progress = Object.entries(runs).map(
      ([name, { results, steps }]) =>
        [name, { done: results.length, steps: steps.length }] as const,
    );
    return {
      checkpointId,
      messages,
      variables,
      unanswered: readUnanswered(state),
      runs: Object.fromEntries(progress),
      leftOut,
    };
  }

  /** The session is busy with the step, and would wait for itself. */
  private refuseInStep(): void {
    if (STEPPING.getStore() !== this) return;
    throw new InvalidOptionsError(
      "session.run: a step has called its own session. Use what the step is given: ask, variables and results.",
    );
  }

  private async exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.refuseInStep();
    const mine = this.busy.catch(() => undefined).then(work);
    this.busy = mine;
    return await mine;
  }
}

/**
 * Opens a session: a conversation or job without a graph that goes on by its id after a crash, a deploy or a week.
 * Nothing is read or written before it is used.
 *
 * @example
 * ```ts
 * import { createSession } from "@threadkeep/resilient-llm/session";
 *
 * const session = createSession({ sessionId: "ada-1", model, checkpointer, journal });
 * const answer = await session.ask("Why is the sky blue?");
 * ```
 * @throws InvalidOptionsError if an option cannot be used
 */
export function createSession(options: SessionOptions): Session {
  return new Session(options);
}

function readUnanswered({ messages, unanswered }: StoredSession): readonly BaseMessage[] {
  return unanswered === 0 ? [] : messages.slice(-unanswered);
}

/** What the steps returned that are stored. */
function readResults(
  { runs }: StoredSession,
  name: string,
  steps: readonly NamedStep[],
): unknown[] {
  const progress = Object.hasOwn(runs, name) ? runs[name] : undefined;
  if (!progress) return [];
  const { results } = progress;
  const done = progress.steps.slice(0, results.length);
  const changed = done.findIndex((step, index) => steps[index]?.name !== step);
  if (changed === -1) return [...results];
  throw new InvalidOptionsError(
    `session.run: step ${changed + 1} of the run ${JSON.stringify(name)} was ${JSON.stringify(done[changed])} and is` +
      ` done, but is ${JSON.stringify(steps[changed]?.name ?? "missing")} now. Keep the steps that are done, give the` +
      " run another name, or begin anew with tryResume: false.",
  );
}
