import { randomUUID } from "node:crypto";
import type { RunnableConfig } from "@langchain/core/runnables";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { JournalUnavailableError } from "../errors/journal-unavailable-error.ts";
import { ToolOutcomeUnknownError } from "../errors/tool-outcome-unknown-error.ts";
import { type CallAddress, readCallAddress } from "../journal/call-address.ts";
import type {
  JournalEntry,
  JournalKey,
  JournalWrite,
  OpenedEntry,
} from "../journal/call-journal.ts";
import { type CallPlace, takePlace } from "../journal/call-places.ts";
import { createAnswer, isSoundAnswer } from "../journal/entry-hash.ts";
import { hashToolCall } from "../journal/hash-request.ts";
import { createJournalKey } from "../journal/journal-key.ts";
import { readReplaying } from "../journal/replaying.ts";
import { waitAtMost } from "../journal/wait-at-most.ts";
import { systemClock } from "../time/clock.ts";
import { sleep } from "../time/sleep.ts";
import { readToolResult, storeToolError, storeToolResult } from "./stored-result.ts";
import type { ResolvedToolJournal } from "./tool-journal-options.ts";

const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 500;
const BEATS_PER_LEASE = 3;
/** A lease that is over at once. */
const ENDED_LEASE_MS = 1;
/** How long a tool waits for one command of the journal. */
const TIMEOUT_MS = 5_000;

/** LangGraph's own way out of a node, for example `interrupt`. It is no failure. */
function isBubbleUp(error: unknown): boolean {
  return (error as { readonly is_bubble_up?: unknown } | undefined)?.is_bubble_up === true;
}

/** Runs a tool with a config that says its idempotency key. */
type RunTool = (config: RunnableConfig) => Promise<unknown>;

/** One call of a tool over its entry. */
class ToolCall {
  readonly #toolName: string;
  readonly #options: ResolvedToolJournal;
  readonly #key: JournalKey;
  readonly #place: CallPlace;
  readonly #owner = randomUUID();

  constructor(toolName: string, options: ResolvedToolJournal, key: JournalKey, place: CallPlace) {
    this.#toolName = toolName;
    this.#options = options;
    this.#key = key;
    this.#place = place;
  }

  async run(config: RunnableConfig, runTool: RunTool): Promise<unknown> {
    const { configurable } = config;
    const keyed = { ...config, configurable: { ...configurable, idempotency_key: this.#key.id } };
    let opened: OpenedEntry | undefined;
    try {
      opened = await this.#open(config.signal);
    } catch (error) {
      if (config.signal?.aborted || error instanceof ToolOutcomeUnknownError) throw error;
      if (this.#mustActOnce) throw new JournalUnavailableError(this.#toolName, error);
      return await runTool(keyed);
    }
    if (opened.status === "answered") return readToolResult(this.#readAnswer(opened.entry));
    // Begun, and neither ended nor given back: whoever began it has died.
    const isUnknown = opened.status === "claimed" && opened.entry?.kind === "before_call";
    if (this.#mustActOnce && isUnknown) {
      // It stays begun, and whoever settles it must not wait.
      await this.#write({ kind: "before_call" }, ENDED_LEASE_MS);
      throw new ToolOutcomeUnknownError(this.#toolName, this.#key);
    }
    return await this.#act(keyed, runTool);
  }

  get #mustActOnce(): boolean {
    return this.#options.sideEffects === "once";
  }

  #write(write: JournalWrite, leaseMs = this.#options.leaseMs): Promise<boolean> {
    const claim = { owner: this.#owner, leaseMs };
    return waitAtMost(this.#options.journal.write(this.#key, claim, write), TIMEOUT_MS);
  }

  /** Waits until the call is this process's own, or has a result that can be read. */
  async #open(signal: AbortSignal | undefined): Promise<OpenedEntry> {
    const { journal, leaseMs } = this.#options;
    const claim = { owner: this.#owner, leaseMs };
    let takesAnswered = false;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      const opening = journal.open(this.#key, claim, { takesAnswered });
      const opened = await waitAtMost(opening, TIMEOUT_MS);
      if (opened.status === "claimed") return opened;
      if (opened.status === "busy") {
        await sleep(systemClock, Math.min(waitMs, opened.leaseLeftMs + 1), signal);
        continue;
      }
      const { answer } = opened.entry;
      if (answer && isSoundAnswer(this.#key.id, answer)) return opened;
      if (this.#mustActOnce) throw new ToolOutcomeUnknownError(this.#toolName, this.#key);
      takesAnswered = true;
    }
  }

  #readAnswer({ answer }: JournalEntry): string {
    return answer?.json ?? "";
  }

  async #act(config: RunnableConfig, runTool: RunTool): Promise<unknown> {
    const endBeats = this.#beat();
    try {
      const result = await runTool(config);
      const json = storeToolResult(result);
      // What cannot be stored leaves an entry that was begun. Only for tools that act once that matters.
      if (json !== undefined) await this.#end(json);
      return result;
    } catch (error) {
      if (this.#mustActOnce && !isBubbleUp(error)) {
        await this.#end(storeToolError(error));
        throw error;
      }
      this.#place.giveBack();
      await this.#giveBack();
      throw error;
    } finally {
      endBeats();
    }
  }

  /** The tool has acted by now. A journal that cannot be told must not make it look as if it had not. */
  async #end(json: string): Promise<void> {
    const answer = createAnswer(this.#key.id, json);
    const write = { kind: "after_call", answer } as const;
    await this.#write(write).catch((error: unknown) => {
      process.emitWarning(
        `The result of the tool ${this.#toolName} could not be stored: ${String(error)}`,
      );
    });
  }

  /** The tool may be run again. */
  async #giveBack(): Promise<void> {
    const write = { kind: "emergency", pieces: [], bookedPieces: 0 } as const;
    await this.#write(write).catch(() => undefined);
  }

  /** Renews the lease while the tool runs. */
  #beat(): () => void {
    const beat = setInterval(() => {
      // An entry that begins anew stays one that was begun.
      this.#write({ kind: "before_call" }).catch(() => undefined);
    }, this.#options.leaseMs / BEATS_PER_LEASE);
    return () => clearInterval(beat);
  }
}

/** What a call of a tool is known by, and its place among those of its task that are the same. */
function identify<Address extends CallAddress | undefined>(
  toolName: string,
  args: unknown,
  address: Address,
): Address extends undefined ? undefined : { readonly key: JournalKey; readonly place: CallPlace };
function identify(
  toolName: string,
  args: unknown,
  address: CallAddress | undefined,
): { readonly key: JournalKey; readonly place: CallPlace } | undefined {
  if (!address) return undefined;
  const requestHash = hashToolCall(toolName, args);
  const place = takePlace(address.execution, requestHash);
  return { key: createJournalKey(address, place.ordinal, requestHash), place };
}

/**
 * Runs a tool unless its result is known.
 *
 * @param args What the tool is called with, with the id of the call if it has one.
 */
export async function runToolCall(
  toolName: string,
  args: unknown,
  config: RunnableConfig,
  options: ResolvedToolJournal,
  runTool: RunTool,
): Promise<unknown> {
  const address = readCallAddress(config, undefined);
  const replaying = readReplaying();
  if (replaying) {
    const mustActOnce = options.sideEffects === "once";
    const json = replaying.answerTool(
      toolName,
      identify(toolName, args, address)?.key,
      mustActOnce,
    );
    return json === undefined ? await runTool(config) : readToolResult(json);
  }
  if (!address) {
    if (options.sideEffects !== "once") return await runTool(config);
    throw new InvalidOptionsError(
      `The tool ${toolName} may act once only, and there is nothing to know a repeated call by: it was called` +
        " outside of a LangGraph task, or without configurable.thread_id, or its config was not passed on.",
    );
  }
  const { key, place } = identify(toolName, args, address);
  return await new ToolCall(toolName, options, key, place).run(config, runTool);
}
