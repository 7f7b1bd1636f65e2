import type { BaseMessage } from "@langchain/core/messages";
import { AsyncLocalStorage } from "node:async_hooks";
import type { JournalKey } from "./call-journal.ts";

/** A call of a model while a stored thread is replayed. */
export interface ReplayedModelCall {
  /** `undefined`: the call cannot be told from others, because no LangGraph task makes it. */
  readonly key: JournalKey | undefined;
  readonly messages: readonly BaseMessage[];
  /** The options that shape the answer, with the tools. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a replay says to a call of a model. */
export type ReplayTurn =
  /** This is the answer, as JSON. */
  | { readonly kind: "answer"; readonly json: string }
  /** The model itself is asked, with these messages. It tells what it has answered. */
  | {
      readonly kind: "ask";
      readonly messages: BaseMessage[];
      readonly tell: (answer: BaseMessage) => void;
    };

/** Answers calls in the place of providers and tools. */
export interface Replaying {
  /** @throws if nothing is known of the call */
  answerModel(call: ReplayedModelCall): Promise<ReplayTurn>;
  /**
   * The result of a tool, as JSON. `undefined`: the tool may run.
   *
   * @param mustActOnce it never runs
   * @throws if nothing is known of the call and the tool may not run
   */
  answerTool(
    toolName: string,
    key: JournalKey | undefined,
    mustActOnce: boolean,
  ): string | undefined;
}

const KEY = Symbol.for("threadkeep.replaying");

/** Shared by all copies of this package in a process: one that knew of no replay would ask for real. */
function share(): AsyncLocalStorage<Replaying | undefined> {
  const holder = globalThis as { [KEY]?: AsyncLocalStorage<Replaying | undefined> };
  return (holder[KEY] ??= new AsyncLocalStorage());
}

/** The replay that the running code is part of. */
export function readReplaying(): Replaying | undefined {
  return share().getStore();
}

/** Runs `work` as part of a replay, or as part of none. */
export function runReplaying<Result>(replaying: Replaying | undefined, work: () => Result): Result {
  return share().run(replaying, work);
}
