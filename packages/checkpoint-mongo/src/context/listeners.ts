import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { findNearestName } from "../options/find-nearest-name.ts";
import type { OperationEvent } from "../health/events.ts";
import type { ReportEvent, SaverEvent } from "./events.ts";

/** All that `saver.on` can listen to, by type. */
export type ObservedEvent = SaverEvent | OperationEvent;

/** Hears events of one type. */
export type SaverListener<Type extends ObservedEvent["type"]> = (
  event: Extract<ObservedEvent, { readonly type: Type }>,
) => void;

type AnyListener = (event: never) => void;

const TYPES: Readonly<Record<ObservedEvent["type"], true>> = {
  "checkpoint-growth": true,
  "checkpoint-size": true,
  "fall-back": true,
  "flush-failed": true,
  "keep-last-failed": true,
  "restore-failed": true,
  "thread-size": true,
  operation: true,
};

/** Who listens to a saver: `onEvent`, which is given to it, and those of `saver.on`. */
export class Listeners {
  readonly #onEvent: ReportEvent | undefined;
  readonly #warn: ReportEvent;
  /** Undefined as long as nobody has listened. */
  #byType: Map<string, Set<AnyListener>> | undefined;

  /**
   * @param onEvent as the user gave it
   * @param warn hears what nobody else does
   */
  constructor(onEvent: ReportEvent | undefined, warn: ReportEvent) {
    this.#onEvent = onEvent;
    this.#warn = warn;
  }

  get hearsOperations(): boolean {
    return this.#byType?.has("operation") ?? false;
  }

  /** @returns ends it */
  add(type: string, listener: AnyListener): () => void {
    if (!Object.hasOwn(TYPES, type)) throw refuseType(type);
    if (typeof listener !== "function") {
      throw new InvalidOptionsError("Invalid listener of MongoDBSaver.on: expected a function.");
    }
    const byType = (this.#byType ??= new Map<string, Set<AnyListener>>());
    const held = byType.get(type) ?? new Set();
    byType.set(type, held);
    // Each call of `on` is one listener, also with a function that listens already.
    const own: AnyListener = (event) => listener(event);
    held.add(own);
    return () => {
      held.delete(own);
      if (held.size === 0 && byType.get(type) === held) byType.delete(type);
    };
  }

  // Bound: settings hand it on by itself.

  readonly report = (event: ObservedEvent): void => {
    const held = this.#byType?.get(event.type) ?? [];
    let isHeard = false;
    for (const listener of held) {
      isHeard = true;
      tell(listener, event);
    }
    if (event.type === "operation") return;
    if (this.#onEvent !== undefined) this.#onEvent(event);
    else if (!isHeard) this.#warn(event);
  };
}

/** A listener that throws must not make a put fail that has been stored. */
function tell(listener: AnyListener, event: ObservedEvent): void {
  try {
    listener(event as never);
  } catch (error) {
    process.emitWarning(
      `A listener of the event "${event.type}" of a MongoDBSaver threw ${String(error)}.`,
      { type: "ThreadkeepWarning" },
    );
  }
}

function refuseType(type: unknown): InvalidOptionsError {
  const names = Object.keys(TYPES);
  const given = typeof type === "string" ? type : typeof type;
  const nearest = findNearestName(given, names);
  const question = nearest === undefined ? "" : ` Did you mean ${JSON.stringify(nearest)}?`;
  return new InvalidOptionsError(
    `MongoDBSaver.on: expected one of ${names.join(", ")}, got ${JSON.stringify(given)}.${question}`,
  );
}
