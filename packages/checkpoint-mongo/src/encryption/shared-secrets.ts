import type { KeyObject } from "node:crypto";
import { authenticate, deriveBytes, deriveKey, open, seal } from "./seal.ts";

/** Bytes of a token. Two of a billion different values have the same with a chance of 2^-37. */
const TOKEN_BYTES = 12;

/** What all tokens begin with. */
export const TOKEN_BEGINNING = "#";

/** What is made with the one key that all threads of a collection share. It stays when master keys change. */
export class SharedSecrets {
  /** Hashes over what is stored are keyed with this: a plain hash would show which states are the same. */
  readonly hashKey: Uint8Array;
  readonly #tokens: KeyObject;
  readonly #contents: KeyObject;

  /** @param sharedKey 32 random bytes */
  constructor(sharedKey: Uint8Array) {
    this.hashKey = deriveBytes(sharedKey, "hashes of documents");
    this.#tokens = deriveKey(sharedKey, "tokens of searches");
    this.#contents = deriveKey(sharedKey, "contents beside threads");
  }

  /** A text that stands for another one in searches for equal values. No text of a field begins like it. */
  toToken(text: string): string {
    return `${TOKEN_BEGINNING}${Buffer.from(authenticate(this.#tokens, "field", text, TOKEN_BYTES)).toString("base64url")}`;
  }

  /** Encrypts bytes that belong to no thread's life, for one place. */
  seal(bytes: Uint8Array, place: string): Uint8Array {
    return seal(this.#contents, bytes, place);
  }

  /** Opens what {@link SharedSecrets.seal} made; undefined if it is not that. */
  open(sealed: Uint8Array, place: string): Uint8Array | undefined {
    return open(this.#contents, sealed, place)?.bytes;
  }
}
