import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument, ThreadDocument } from "../documents/documents.ts";
import { readRecord, type CheckpointRecord } from "../records/checkpoint-record.ts";
import { scanDiscarded, scanNamespace } from "../store/scan-thread.ts";
import { isOfLife } from "../store/thread-record.ts";
import { isLateChild, readPruneMarks, type PlacedMarks } from "./pruned-parents.ts";

/** Tells which checkpoints of a thread were put as children of pruned ones. Few threads have any. */
export class LateChildren {
  readonly #context: Pick<SaverContext, "store" | "hasher">;
  readonly #record: ThreadDocument;
  #namespace: string | undefined;
  #marks: readonly PlacedMarks[] = [];

  constructor(context: Pick<SaverContext, "store" | "hasher">, record: ThreadDocument) {
    this.#context = context;
    this.#record = record;
  }

  /** Whether a checkpoint whose parent is not there is one. They are asked for by namespace. */
  async has({ address: { checkpointNs }, seq }: CheckpointRecord): Promise<boolean> {
    if (this.#namespace !== checkpointNs) {
      this.#marks = await this.#readMarks(checkpointNs);
      this.#namespace = checkpointNs;
    }
    const own = this.#marks.find((marks) => marks.seq === seq);
    return own !== undefined && isLateChild(own, this.#marks);
  }

  async #readMarks(checkpointNs: string): Promise<readonly PlacedMarks[]> {
    const { store, hasher } = this.#context;
    const marks: PlacedMarks[] = [];
    const address = { threadId: this.#record.thread_id, checkpointNs };
    const add = (document: CheckpointDocument): void => {
      if (!isOfLife(document, this.#record)) return;
      const record = readRecord(document, hasher);
      marks.push({ seq: record.seq, ...readPruneMarks(document, record, hasher) });
    };
    for await (const document of scanNamespace(store, address)) add(document);
    // What rollbacks have discarded has kept its place.
    for await (const document of scanDiscarded(store, address.threadId)) {
      if (document.checkpoint_ns === checkpointNs) add({ ...document, kind: "checkpoint" });
    }
    return marks;
  }
}
