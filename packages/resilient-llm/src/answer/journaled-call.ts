import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";
import { bookLostAttempt } from "../call/book-lost-attempt.ts";
import type { CallRequest } from "../call/call-request.ts";
import type { SharedState } from "../call/shared-state.ts";
import { estimatePromptTokens, estimateTextTokens } from "../context/estimate-tokens.ts";
import { createEstimatedUsage } from "../cost/token-usage.ts";
import type {
  JournalClaim,
  JournalEntry,
  JournalKey,
  JournalPiece,
  JournalResponse,
  JournalWrite,
} from "../journal/call-journal.ts";
import type { KeptCall } from "../keeper/keeper-protocol.ts";
import { type AnswerKeeping, NothingToPickUp } from "../wire/answer-keeping.ts";
import type { CallPlace } from "../journal/call-places.ts";
import { writeOnSigterm } from "../journal/emergency-writes.ts";
import {
  createAnswer,
  createPiece,
  createResponse,
  isSoundResponse,
  keepSoundPieces,
} from "../journal/entry-hash.ts";
import type { ResolvedJournal } from "../options/journal-options.ts";
import { asksForJson } from "./asks-for-json.ts";
import { waitAtMost } from "../journal/wait-at-most.ts";

/** How many characters a token has, about. */
const CHARS_PER_TOKEN = 4;

/** The lease is renewed so many times before it would end. */
const BEATS_PER_LEASE = 3;

function joinPieces(pieces: readonly JournalPiece[]): string {
  return pieces.map((piece) => piece.text).join("");
}

/** A part of an answer that is picked up from its beginning, if that is possible. */
interface HeardPart {
  readonly pieces: readonly JournalPiece[];
  /** So many of the pieces are booked as cost. */
  readonly booked: number;
}

/** A call whose entry is this process's own: what it hears of its answer, it writes down. */
export class JournaledCall {
  readonly key: JournalKey;
  readonly #shared: SharedState;
  readonly #request: CallRequest;
  readonly #journal: ResolvedJournal;
  readonly #claim: JournalClaim;
  readonly #place: CallPlace;
  readonly #leaveSigterm: () => void;
  readonly #pieces: JournalPiece[] = [];
  /** So many of the pieces are stored. */
  #stored = 0;
  /** So many of the pieces are booked as cost. */
  #booked = 0;
  /** Text that is in no piece yet. */
  #unsaved = "";
  #asked = { candidate: "", attempt: "" };
  #writtenAtMs: number;
  #writing: Promise<void> | undefined;
  /** What is stored may be more than is known here. It is written anew. */
  #isUncertain = false;
  /** Nothing more is written: another process has the call, or the answer is too large. */
  #isClosed = false;
  #cancelBeat: (() => void) | undefined;
  /** The text that the next attempt continues. */
  #textToContinue: string | undefined;
  /** The response that the provider makes in the background. */
  #response: JournalResponse | undefined;
  #isResponseStored = true;
  /** The candidate that has what an earlier process asked for, or whose keeper has. */
  #preferred: string | undefined;
  #isPickedUp = false;
  /** What an earlier process has heard of an answer that may be picked up. */
  #unsettled: HeardPart | undefined;
  /** The numbers of the candidates' last answers from the keeper. */
  readonly #numbers = new Map<string, number>();

  /**
   * @param entry What was stored before.
   * @param kept What the keeper has of it.
   */
  constructor(
    shared: SharedState,
    request: CallRequest,
    journal: ResolvedJournal,
    owned: {
      readonly key: JournalKey;
      readonly claim: JournalClaim;
      readonly place: CallPlace;
      readonly entry: JournalEntry | undefined;
      readonly kept: KeptCall | undefined;
    },
  ) {
    this.key = owned.key;
    this.#shared = shared;
    this.#request = request;
    this.#journal = journal;
    this.#claim = owned.claim;
    this.#place = owned.place;
    this.#writtenAtMs = shared.options.clock.now();
    if (owned.entry) this.#takeUp(owned.entry, owned.kept);
    this.#leaveSigterm = writeOnSigterm(() => this.#save("emergency"));
    this.#beat();
  }

  /** The text of an answer that broke off, if it can be continued. */
  get textToContinue(): string | undefined {
    return this.#textToContinue;
  }

  /** The candidate that an earlier process had asked, if its answer can be picked up there. */
  get preferred(): string | undefined {
    return this.#preferred;
  }

  /** An earlier process had asked for the answer, and this one has picked it up. */
  get isPickedUp(): boolean {
    return this.#isPickedUp;
  }

  /** How the whole answer that `candidate` is about to be asked for outlives this process. */
  keep(candidate: string): AnswerKeeping {
    // Whoever is asked in place of the candidate that has the answer has nothing of it.
    if (candidate !== this.#preferred) this.#bookUnsettled();
    const response = this.#response;
    const hasPart = this.#isContinuable(this.#unsettled?.pieces ?? []);
    let isLost = false;
    return {
      callId: this.key.id,
      candidate,
      after: this.#numbers.get(candidate) ?? 0,
      responseId: response?.candidate === candidate ? response.id : undefined,
      hasPart,
      get isLost() {
        return isLost;
      },
      noteNumber: (number) => this.#numbers.set(candidate, number),
      noteResponse: (id) => this.#noteResponse(candidate, id),
      notePickedUp: (from) => {
        this.#isPickedUp = true;
        this.#unsettled = undefined;
        const { events } = this.#shared;
        events.emit({ type: "journal-picked-up", key: this.key, candidate, from });
      },
      noteLost: () => {
        this.#preferred = undefined;
        this.#response = undefined;
        isLost = hasPart;
        if (isLost) throw new NothingToPickUp();
        this.#bookUnsettled();
      },
      noteKeeperFailed: (error) => {
        this.#shared.events.emit({ type: "keeper-failed", key: this.key, error });
      },
    };
  }

  /** Nothing was left to pick up. The next attempt continues the part that the journal has. */
  fallBackToPart(): void {
    const { booked, pieces } = this.#unsettled ?? { booked: 0, pieces: [] };
    this.#unsettled = undefined;
    this.#pieces.push(...pieces);
    this.#booked = booked;
    this.#goOnFrom(pieces);
  }

  /** An attempt begins. What comes next is its. */
  asks({ candidate, id }: Pick<PreparedAttempt, "candidate" | "id">): void {
    this.#cutPiece();
    this.#asked = { candidate: candidate.name, attempt: id };
  }

  /** An attempt has failed, and this process has booked it. */
  attemptFailed(): void {
    this.#cutPiece();
    this.#booked = this.#pieces.length;
  }

  /** More of the answer's text has come. */
  note(text: string): void {
    if (text === "" || this.#isClosed) return;
    this.#unsaved += text;
    const { everyMs, everyTokens } = this.#journal;
    const isDue =
      this.#unsaved.length >= everyTokens * CHARS_PER_TOKEN ||
      this.#shared.options.clock.now() - this.#writtenAtMs >= everyMs;
    // A write never waits for another one: what comes meanwhile goes with the next.
    if (isDue && !this.#writing) void this.#save("periodic");
  }

  /** What has come so far is no part of the answer: it starts over, or is no text that could be continued. */
  forget(): void {
    this.#textToContinue = undefined;
    this.#unsaved = "";
    if (this.#pieces.length === 0) return;
    this.#pieces.length = 0;
    this.#booked = 0;
    this.#isUncertain = true;
  }

  /** The answer is there. It is stored before it is handed out to the end. */
  async complete(createJson: () => string | undefined): Promise<void> {
    this.#end();
    await this.#writing;
    if (this.#isClosed) return;
    try {
      const json = createJson();
      if (json === undefined) return;
      const bytes = Buffer.byteLength(json);
      if (bytes > this.#journal.maxAnswerBytes) {
        throw new RangeError(
          `The answer has ${bytes} bytes and is not stored: journal.maxAnswerBytes is ${this.#journal.maxAnswerBytes}`,
        );
      }
      const answer = createAnswer(this.key.id, json);
      // Another process may be reading what the keeper has.
      const isStored = await this.#write({ kind: "after_call", answer });
      if (isStored) this.#journal.keeper?.forget(this.key.id);
    } catch (error) {
      this.#report(error);
      // Whoever makes the call again must not wait for the end of the lease.
      this.forget();
      await this.#save("emergency");
    }
  }

  /**
   * The call ends without an answer. What has come of it is kept for whoever makes it again.
   *
   * @param isFailed The task may ask again. That is this call once more.
   */
  async interrupt(isFailed: boolean): Promise<void> {
    if (isFailed) this.#place.giveBack();
    if (isFailed && !this.#isClosed) {
      // An answer that was of no use would be picked up again and again.
      this.#journal.keeper?.forget(this.key.id);
    }
    this.#end();
    // What this process has booked is not booked again.
    this.attemptFailed();
    await this.#save("emergency");
  }

  #takeUp({ bookedPieces, pieces, response }: JournalEntry, kept: KeptCall | undefined): void {
    const sound = keepSoundPieces(this.key.id, pieces);
    if (sound.length < pieces.length) {
      this.#report(new Error("Part of a stored answer is damaged. What came before is kept."));
      this.#isUncertain = true;
    }
    this.#pieces.push(...sound);
    this.#stored = sound.length;
    this.#booked = Math.min(bookedPieces, sound.length);
    if (response && isSoundResponse(this.key.id, response)) this.#response = response;
    this.#preferred = kept?.candidate ?? this.#response?.candidate;
    if (this.#shared.candidates.some(({ name }) => name === this.#preferred)) {
      // It is asked for from its beginning, so tool calls, ids and usage come too, and all of it is one answer.
      this.#unsettled = { pieces: sound, booked: this.#booked };
      this.forget();
      return;
    }
    this.#preferred = undefined;
    this.#goOnFrom(sound);
  }

  /** The process that heard these pieces has died. They are continued, if that is possible. */
  #goOnFrom(pieces: readonly JournalPiece[]): void {
    this.#bookLost(pieces.slice(this.#booked));
    this.#booked = pieces.length;
    if (!this.#isContinuable(pieces)) {
      this.forget();
      return;
    }
    const keptText = joinPieces(pieces);
    this.#textToContinue = keptText;
    this.#shared.events.emit({ type: "journal-resumed", key: this.key, keptText });
  }

  #isContinuable(pieces: readonly JournalPiece[]): boolean {
    const { check, options } = this.#request;
    return (
      this.#shared.options.streamRecovery === "continue" &&
      check === undefined &&
      !asksForJson(options) &&
      joinPieces(pieces).trim() !== ""
    );
  }

  #bookUnsettled(): void {
    if (this.#unsettled) this.#bookLost(this.#unsettled.pieces.slice(this.#unsettled.booked));
    this.#unsettled = undefined;
  }

  /** The process that asked has died. What it had heard was paid for all the same. */
  #bookLost(pieces: readonly JournalPiece[]): void {
    for (const [id, said] of Map.groupBy(pieces, ({ attempt }) => attempt)) {
      const { candidate } = said[0] as JournalPiece;
      const usage = createEstimatedUsage({
        inputTokens: estimatePromptTokens(this.#request.messages),
        outputTokens: estimateTextTokens(joinPieces(said)),
      });
      bookLostAttempt(this.#shared, this.#request, { id, candidate, usage });
    }
  }

  #noteResponse(candidate: string, id: string | undefined): void {
    if (this.#response?.id === id) return;
    this.#response = id === undefined ? undefined : createResponse(this.key.id, candidate, id);
    this.#isResponseStored = false;
    // From now on a death costs nothing. The end of a response is stored with whatever comes next.
    if (id !== undefined && !this.#writing) void this.#save("periodic");
  }

  #cutPiece(): void {
    if (this.#unsaved === "") return;
    const piece = createPiece(this.key.id, this.#pieces.at(-1), {
      text: this.#unsaved,
      ...this.#asked,
    });
    this.#pieces.push(piece);
    this.#unsaved = "";
  }

  /** Stores all text that is not stored yet, after a write that is under way. */
  async #save(kind: "periodic" | "emergency"): Promise<void> {
    if (kind === "emergency") await this.#writing;
    if (this.#isClosed || this.#writing) return;
    this.#writing = this.#saveNow(kind).finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async #saveNow(kind: "periodic" | "emergency"): Promise<void> {
    this.#cutPiece();
    this.#writtenAtMs = this.#shared.options.clock.now();
    try {
      if (this.#isUncertain) {
        this.#stored = 0;
        if (!(await this.#write({ kind: "before_call" }))) return;
        this.#isUncertain = false;
      }
      const pieces = this.#pieces.slice(this.#stored);
      const end = this.#pieces.length;
      const response = this.#response;
      this.#isResponseStored = true;
      if (!(await this.#write({ kind, pieces, bookedPieces: this.#booked, response }))) return;
      this.#stored = end;
      if (pieces.length > 0) this.#tell(end);
    } catch (error) {
      this.#isUncertain = true;
      this.#report(error);
    }
  }

  async #write(write: JournalWrite): Promise<boolean> {
    const { store, timeoutMs } = this.#journal;
    const isOurs = await waitAtMost(store.write(this.key, this.#claim, write), timeoutMs);
    if (isOurs) return true;
    this.#isClosed = true;
    this.#report(new Error("Another process has taken the call over. Its answer is the one kept."));
    return false;
  }

  #tell(end: number): void {
    const { onCheckpoint } = this.#journal;
    if (!onCheckpoint) return;
    const text = joinPieces(this.#pieces.slice(0, end));
    try {
      onCheckpoint({ key: this.key, text, hasToolCalls: false });
    } catch (error) {
      process.emitWarning(`journal.onCheckpoint threw: ${String(error)}`);
    }
  }

  /** Renews the lease, and stores what is due although nothing more comes. */
  #beat(): void {
    const { everyMs, leaseMs } = this.#journal;
    const { clock } = this.#shared.options;
    this.#cancelBeat = clock.setTimer(
      () => {
        if (this.#isClosed) return;
        const sinceMs = clock.now() - this.#writtenAtMs;
        const hasNews = this.#unsaved !== "" || !this.#isResponseStored;
        const isDue = sinceMs >= leaseMs / BEATS_PER_LEASE || hasNews;
        if (isDue && !this.#writing) void this.#save("periodic");
        this.#beat();
      },
      Math.min(everyMs, leaseMs / BEATS_PER_LEASE),
    );
  }

  #end(): void {
    this.#cancelBeat?.();
    this.#leaveSigterm();
  }

  #report(error: unknown): void {
    this.#shared.events.emit({ type: "journal-failed", key: this.key, error });
  }
}
