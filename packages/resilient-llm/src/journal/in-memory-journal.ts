import { systemClock, type Clock } from "../time/clock.ts";
import type {
  CallJournal,
  JournalClaim,
  JournalEntry,
  JournalKey,
  JournalWrite,
  KeyedEntry,
  OpenedEntry,
} from "./call-journal.ts";

interface Slot {
  readonly key: JournalKey;
  entry: JournalEntry;
  owner: string;
  leaseEndsAtMs: number;
}

const EMPTY: JournalEntry = {
  kind: "before_call",
  pieces: [],
  bookedPieces: 0,
  response: undefined,
  answer: undefined,
};

/** The entry after a write. */
function applyWrite(entry: JournalEntry, write: JournalWrite): JournalEntry {
  if (write.kind === "before_call") return EMPTY;
  if (write.kind === "after_call") return { ...EMPTY, kind: write.kind, answer: write.answer };
  const { bookedPieces, kind, response } = write;
  return { ...entry, kind, bookedPieces, response, pieces: [...entry.pieces, ...write.pieces] };
}

/**
 * A journal in the memory of this process. It survives errors, retries and interrupts, but no crash.
 *
 * @example
 * ```ts
 * const model = new ResilientChatModel({ models, journal: new InMemoryCallJournal() });
 * ```
 */
export class InMemoryCallJournal implements CallJournal {
  readonly #slots = new Map<string, Slot>();
  readonly #maxEntries: number;
  readonly #clock: Clock;

  /**
   * @param maxEntries above this number, the entry that was written least recently is forgotten
   * @param clock the clock that leases end by
   */
  constructor(maxEntries = 1_000, clock: Clock = systemClock) {
    this.#maxEntries = maxEntries;
    this.#clock = clock;
  }

  /** The number of entries. */
  get size(): number {
    return this.#slots.size;
  }

  /** Opens the entry of a call. Of several callers at once, one claims it. */
  async open(
    key: JournalKey,
    { leaseMs, owner }: JournalClaim,
    { takesAnswered }: { readonly takesAnswered: boolean },
  ): Promise<OpenedEntry> {
    const { id } = key;
    const slot = this.#slots.get(id);
    const nowMs = this.#clock.now();
    const leaseEndsAtMs = nowMs + leaseMs;
    if (!slot) {
      this.#keep(id, { key, entry: EMPTY, owner, leaseEndsAtMs });
      return { status: "claimed", entry: undefined };
    }
    const { entry } = slot;
    const isAnswered = entry.kind === "after_call";
    if (isAnswered && !takesAnswered) return { status: "answered", entry };
    if (slot.leaseEndsAtMs > nowMs) {
      return { status: "busy", leaseLeftMs: slot.leaseEndsAtMs - nowMs };
    }
    this.#keep(id, { ...slot, entry: isAnswered ? EMPTY : entry, owner, leaseEndsAtMs });
    return { status: "claimed", entry: isAnswered ? EMPTY : entry };
  }

  /** Writes into an entry. Returns whether it is still the owner's. If not, nothing is written. */
  async write(
    { id }: JournalKey,
    { leaseMs, owner }: JournalClaim,
    write: JournalWrite,
  ): Promise<boolean> {
    const slot = this.#slots.get(id);
    if (slot?.owner !== owner) return false;
    const isGoingOn = write.kind === "before_call" || write.kind === "periodic";
    const nowMs = this.#clock.now();
    this.#keep(id, {
      key: slot.key,
      entry: applyWrite(slot.entry, write),
      // Without its lease it may write on as long as nobody else has claimed the entry.
      owner,
      leaseEndsAtMs: isGoingOn ? nowMs + leaseMs : nowMs,
    });
    return true;
  }

  /** Deletes the entries of a thread. */
  async deleteThread(threadId: string): Promise<void> {
    for (const [id, slot] of this.#slots) {
      if (slot.key.threadId === threadId) this.#slots.delete(id);
    }
  }

  /** The entries of a thread. */
  async *readThread(threadId: string): AsyncGenerator<KeyedEntry, undefined> {
    for (const { entry, key } of this.#slots.values()) {
      if (key.threadId === threadId) yield { key, entry };
    }
    return undefined;
  }

  #keep(id: string, slot: Slot): void {
    // A Map keeps the order of insertion. So the first one is the one that was written least recently.
    this.#slots.delete(id);
    this.#slots.set(id, slot);
    if (this.#slots.size <= this.#maxEntries) return;
    const [oldest] = this.#slots.keys();
    if (oldest !== undefined) this.#slots.delete(oldest);
  }
}
