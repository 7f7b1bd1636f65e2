import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { type AllowedObjects, assertRecordsAllowed } from "../codec/values/allowed-objects.ts";

/**
 * LangGraph's own serializer, which reads the official saver's threads, without classes that are not
 * allowed. By itself it makes any object that is stored, and whoever can write to the database can
 * store one.
 */
export class OfficialSerializer implements SerializerProtocol {
  readonly #serde: SerializerProtocol;
  readonly #allowed: AllowedObjects;

  constructor(serde: SerializerProtocol, allowed: AllowedObjects) {
    this.#serde = serde;
    this.#allowed = allowed;
  }

  dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
    return this.#serde.dumpsTyped(value);
  }

  /** @throws ClassNotAllowedError if it holds an object of a class that is not allowed */
  async loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
    if (type === "json") {
      const text = typeof data === "string" ? data : Buffer.from(data).toString();
      if (text.includes('"lc"')) assertRecordsAllowed(JSON.parse(text), this.#allowed);
    }
    return this.#serde.loadsTyped(type, data);
  }
}
