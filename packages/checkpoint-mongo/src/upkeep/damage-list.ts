import type { CheckpointAddress } from "../address/address.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { type Corruption, asUnknownFormat } from "../errors/corruption.ts";
import { UnsupportedFormatError } from "../errors/unsupported-format-error.ts";

/** Something of a thread that is not as it was written. */
export type Damage = Corruption & {
  /** The namespace of that checkpoint. */
  readonly checkpointNs: string | undefined;
  /** The checkpoint that cannot be used; undefined if several may need the damaged document. */
  readonly checkpointId: string | undefined;
};

/** The damages that a walk through a thread has found so far. */
export class DamageList {
  readonly #damages: Damage[] = [];

  get all(): readonly Damage[] {
    return this.#damages;
  }

  /** @param address the checkpoint that it makes unusable, if it is one */
  add(address: CheckpointAddress | undefined, corruption: Corruption): void {
    this.#damages.push({
      checkpointNs: address?.checkpointNs,
      checkpointId: address?.checkpointId,
      ...corruption,
    });
  }

  addAll(corruptions: Iterable<Corruption>): void {
    for (const corruption of corruptions) this.add(undefined, corruption);
  }

  /** Adds what a verification finds. */
  async collect(address: CheckpointAddress, verify: () => unknown): Promise<void> {
    try {
      await verify();
    } catch (error) {
      if (CorruptCheckpointError.isInstance(error)) {
        const { checkpointNs, checkpointId, corruption } = error;
        this.#damages.push({ checkpointNs, checkpointId, ...corruption });
      } else if (UnsupportedFormatError.isInstance(error)) {
        this.add(address, {
          document: "checkpoint",
          which: address.checkpointId,
          ...asUnknownFormat(error.what),
        });
      } else {
        throw error;
      }
    }
  }
}
