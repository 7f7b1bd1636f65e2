import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { assertRecordsAllowed, type AllowedObjects } from "../codec/values/allowed-objects.ts";

/**
 * LangGraph's own serializer, by which the official saver's threads are read, but for classes that are
 * not allowed: it would make whatever is stored, and whoever can write to the database can store it.
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
