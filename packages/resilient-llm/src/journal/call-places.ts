import type { TaskExecution } from "./call-address.ts";

interface TakenPlaces {
  attempt: number;
  /** The places that are taken, by what is asked. */
  readonly byRequest: Map<string, Set<number>>;
}

const taken = new WeakMap<object, TakenPlaces>();

/** A place among the calls of a task that ask the same. */
export interface CallPlace {
  /** From 0. */
  readonly ordinal: number;
  /** The call has failed. If the task asks again, that is this call once more. */
  giveBack(): void;
}

/**
 * Takes the next place of a call in its task. Calls that ask something else do not count, so calls side by
 * side have the same places in whichever order they are made.
 */
export function takePlace(execution: TaskExecution | undefined, requestHash: string): CallPlace {
  if (!execution) return { ordinal: 0, giveBack: () => undefined };
  const { attempt, scratchpad } = execution;
  let places = taken.get(scratchpad);
  if (places?.attempt !== attempt) {
    places = { attempt, byRequest: new Map() };
    taken.set(scratchpad, places);
  }
  const ordinals = places.byRequest.get(requestHash) ?? new Set<number>();
  places.byRequest.set(requestHash, ordinals);
  let ordinal = 0;
  while (ordinals.has(ordinal)) ordinal += 1;
  ordinals.add(ordinal);
  return { ordinal, giveBack: () => ordinals.delete(ordinal) };
}
