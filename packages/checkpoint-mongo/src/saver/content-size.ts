import { parseSegmentId, type ContentHash } from "../documents/segment-id.ts";
import type { WantedSegments } from "./contents.ts";

/**
 * Adds up what segments take unpacked. Each counts once, at the longest that it is wanted: a list names
 * a segment that was appended to under the names it had at each of its checkpoints.
 */
export class ContentSize {
  readonly #lengths = new Map<ContentHash, number>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds segments that are wanted.
   *
   * @returns the bytes of all so far
   */
  add({ lines, bytes }: Pick<WantedSegments, "lines" | "bytes">): number {
    for (const ids of [lines, bytes]) {
      for (const id of ids) {
        const { root, length } = parseSegmentId(id);
        const counted = this.#lengths.get(root) ?? 0;
        if (length <= counted) continue;
        this.#lengths.set(root, length);
        this.#bytes += length - counted;
      }
    }
    return this.#bytes;
  }
}
