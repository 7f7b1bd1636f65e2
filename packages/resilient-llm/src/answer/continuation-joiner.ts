import { findLastWords, findStart } from "./last-words.ts";

/** A shorter match between an end and a beginning may be chance. */
const SHORTEST_OVERLAP_CHARS = 8;

/**
 * How an attempt takes up the text before it.
 *
 * - `last-words`: it was asked to repeat the last words and to go on.
 * - `from-start`: it was asked the same question again.
 * - `prefilled`: the text was the end of its prompt, so it continues without repeating anything.
 */
export type JoinRule = "last-words" | "from-start" | "prefilled";

/**
 * Joins the text of an attempt to the text before it. It looks for the place in the text before from
 * where the attempt repeats it up to its end, and leaves out what is repeated. Without such a place it
 * joins nothing, except after a prefill.
 */
export class ContinuationJoiner {
  readonly #before: string;
  readonly #rule: JoinRule;
  /** What has come and is held back, as long as it repeats what is there. */
  #held = "";
  /** The places from where on all that has come repeats the text before. */
  #open: number[] | undefined;
  /** The places from where on the text before was repeated up to its end. */
  readonly #repeated: number[] = [];
  #state: "undecided" | "joined" | "unrecognised" = "undecided";

  constructor(before: string, rule: JoinRule) {
    this.#before = before;
    this.#rule = rule;
    if (before.trim() === "") this.#state = "joined";
  }

  /** It is known what can be handed out. */
  get isJoined(): boolean {
    return this.#state === "joined";
  }

  /** The attempt says something else, so nothing of it can be handed out. */
  get isUnrecognised(): boolean {
    return this.#state === "unrecognised";
  }

  /** Takes the next piece and returns what can be handed out. */
  push(text: string): string {
    if (this.#state !== "undecided") return this.#state === "joined" ? text : "";
    const isFirst = this.#held === "";
    const piece = isFirst && this.#rule !== "prefilled" ? text.trimStart() : text;
    if (piece === "") return "";
    this.#open = this.#follow(this.#open ?? this.#findPlaces(piece), piece);
    this.#held += piece;
    return this.#open.length > 0 ? "" : this.#decide();
  }

  /** Returns what was held back, once the attempt is complete. */
  finish(): string {
    if (this.#state !== "undecided") return "";
    // It may end where the text before does, but for white space.
    for (const place of this.#open ?? []) {
      if (this.#before.slice(place + this.#held.length).trim() === "") this.#repeated.push(place);
    }
    return this.#decide();
  }

  #findPlaces(piece: string): number[] {
    const first = findStart(this.#before);
    if (this.#rule === "from-start") return [first];
    const places: number[] = [];
    let place = this.#before.indexOf(piece.charAt(0), first);
    for (; place !== -1; place = this.#before.indexOf(piece.charAt(0), place + 1)) {
      places.push(place);
    }
    return places;
  }

  /** Which of the places stay open after `piece`. Those that are repeated to the end are remembered. */
  #follow(places: readonly number[], piece: string): number[] {
    return places.filter((place) => {
      const next = place + this.#held.length;
      if (piece.length < this.#before.length - next) return this.#before.startsWith(piece, next);
      if (piece.startsWith(this.#before.slice(next))) this.#repeated.push(place);
      return false;
    });
  }

  #decide(): string {
    const place = this.#choosePlace();
    if (place !== undefined) {
      this.#state = "joined";
      return this.#held.slice(this.#before.length - place);
    }
    this.#state = this.#rule === "prefilled" ? "joined" : "unrecognised";
    return this.#rule === "prefilled" ? this.#withoutDoubledSpace() : "";
  }

  /** The place from where the attempt repeats. `undefined`: none that is certain. */
  #choosePlace(): number | undefined {
    const before = this.#before;
    if (this.#rule !== "prefilled") {
      for (const place of [findStart(before), findLastWords(before)]) {
        if (this.#repeated.includes(place)) return place;
      }
    }
    // What the text has twice says nothing about the place.
    return this.#repeated.find(
      (place) =>
        before.length - place >= SHORTEST_OVERLAP_CHARS &&
        before.indexOf(before.slice(place)) === place,
    );
  }

  /** A prefill is sent without the white space at its end, so the model may begin with that. */
  #withoutDoubledSpace(): string {
    const space = this.#before.slice(this.#before.trimEnd().length);
    return this.#held.startsWith(space) ? this.#held.slice(space.length) : this.#held;
  }
}
