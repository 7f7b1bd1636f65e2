import { type ContentHash, type SegmentId, parseSegmentId } from "../documents/segment-id.ts";

/** The segments that a thread refers to. Each name is held once, however many checkpoints have it. */
export class References {
  readonly #byRoot = new Map<ContentHash, Set<SegmentId>>();

  add(id: SegmentId): void {
    const { root } = parseSegmentId(id);
    const ids = this.#byRoot.get(root);
    if (ids === undefined) this.#byRoot.set(root, new Set([id]));
    else ids.add(id);
  }

  /** The names under which a segment is referred to. */
  listNames(root: ContentHash): Iterable<SegmentId> {
    return this.#byRoot.get(root) ?? [];
  }

  has(root: ContentHash): boolean {
    return this.#byRoot.has(root);
  }

  /** Whether everything that is referred to is there. */
  areIn(segments: ReadonlySet<ContentHash>): boolean {
    for (const root of this.#byRoot.keys()) if (!segments.has(root)) return false;
    return true;
  }
}
