import type { KeyObject } from "node:crypto";
import { authenticate, deriveKey, open, seal, type Opened } from "./seal.ts";

/** Names a place in a thread: what is sealed for one does not open at another. */
export type Place = readonly (string | number)[];

const NONCE_BYTES = 12;

/** Encrypts what one life of a thread stores, with the data key of that life. */
export class ThreadCipher {
  readonly threadId: string;
  readonly epoch: number;
  readonly #contents: KeyObject;
  readonly #names: KeyObject;
  readonly #nonces: KeyObject;

  /** @param dataKey 32 random bytes */
  constructor(threadId: string, epoch: number, dataKey: Uint8Array) {
    this.threadId = threadId;
    this.epoch = epoch;
    this.#contents = deriveKey(dataKey, "contents of a thread");
    this.#names = deriveKey(dataKey, "names of a thread");
    this.#nonces = deriveKey(dataKey, "nonces of names");
  }

  /** Encrypts bytes for a place, each time to others. */
  seal(bytes: Uint8Array, place: Place, packing = 0): Uint8Array {
    return seal(this.#contents, bytes, this.#format(place), packing);
  }

  /** Opens what {@link ThreadCipher.seal} made; undefined if it is not that. */
  open(sealed: Uint8Array, place: Place): Opened | undefined {
    return open(this.#contents, sealed, this.#format(place));
  }

  /**
   * Encrypts bytes that are looked for: the same always become the same. The nonce is a keyed hash of them, so it
   * is the same only where all is.
   */
  sealName(bytes: Uint8Array, place: Place): Uint8Array {
    const formatted = this.#format(place);
    const nonce = authenticate(this.#nonces, formatted, bytes, NONCE_BYTES);
    return seal(this.#names, bytes, formatted, 0, nonce);
  }

  /** Opens what {@link ThreadCipher.sealName} made; undefined if it is not that. */
  openName(sealed: Uint8Array, place: Place): Uint8Array | undefined {
    return open(this.#names, sealed, this.#format(place))?.bytes;
  }

  #format(place: Place): string {
    return JSON.stringify([this.threadId, this.epoch, ...place]);
  }
}
