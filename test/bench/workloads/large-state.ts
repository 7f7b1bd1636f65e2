import { randomText } from "./random-text.ts";

/** What a changing part of a large state is replaced by. */
const CHANGE_LENGTH = 1_000;
const SHORT_LENGTH = 100;

/** A large value of a channel that changes a little from put to put. */
export interface LargeState {
  readonly value: unknown;
  /** The value with one part of 1,000 characters replaced by others. */
  change(revision: number): LargeState;
}

/** The forms in which a state can be large. */
export const largeStates = {
  "one string": (length) => makeString(makeParts(length).join("")),
  list: (length) => makeList(makeParts(length)),
  map: (length) => makeMap(toEntries(makeParts(length))),
} satisfies Record<string, (length: number) => LargeState>;

/** A map whose entries are many and short, of 100 characters each. */
export function makeMapOfShortTexts(length: number): LargeState {
  return makeMap(toEntries(makeParts(length, SHORT_LENGTH)));
}

export type LargeStateForm = keyof typeof largeStates;

/** Made one by one: a single text of this size would need more memory to make than the state has. */
function makeParts(length: number, partLength = CHANGE_LENGTH): string[] {
  return Array.from({ length: Math.ceil(length / partLength) }, (_, index) =>
    randomText(`large state ${index}`, partLength),
  );
}

function toEntries(parts: readonly string[]): Record<string, string> {
  return Object.fromEntries(parts.map((part, index) => [`key-${index}`, part]));
}

function makeString(value: string): LargeState {
  return {
    value,
    change(revision) {
      const start = place(revision, Math.max(1, value.length - CHANGE_LENGTH));
      const end = start + CHANGE_LENGTH;
      return makeString(value.slice(0, start) + makeChange(revision) + value.slice(end));
    },
  };
}

function makeList(value: readonly string[]): LargeState {
  return {
    value,
    change: (revision) => makeList(value.with(place(revision, value.length), makeChange(revision))),
  };
}

function makeMap(value: Readonly<Record<string, string>>): LargeState {
  const size = Object.keys(value).length;
  return {
    value,
    change: (revision) =>
      makeMap({ ...value, [`key-${place(revision, size)}`]: makeChange(revision) }),
  };
}

function makeChange(revision: number): string {
  return randomText(`change ${revision}`, CHANGE_LENGTH);
}

/** Somewhere in the value, spread evenly by the golden ratio. */
function place(revision: number, size: number): number {
  return Math.floor(((revision * 0.618_033_988_75) % 1) * size);
}
