import crypto from "node:crypto";
import type { JournalAnswer, JournalEntry, JournalPiece, JournalResponse } from "./call-journal.ts";

/** Parts are lengthened by their number of characters, so that no two lists of parts are hashed alike. */
export function hashParts(...parts: readonly string[]): string {
  const text = parts.map((part) => `${part.length}:${part}`).join("");
  return crypto.hash("sha256", text, "hex");
}

/** The piece that follows another one. */
export function createPiece(
  id: string,
  before: JournalPiece | undefined,
  said: Pick<JournalPiece, "attempt" | "candidate" | "text">,
): JournalPiece {
  const { attempt, candidate, text } = said;
  const hash = hashParts("piece", id, before?.hash ?? "", text, candidate, attempt);
  return { text, candidate, attempt, hash };
}

/** A whole answer of the entry `id`. */
export function createAnswer(id: string, json: string): JournalAnswer {
  return { json, hash: hashParts("answer", id, json) };
}

/** A response of the entry `id` that the provider makes in the background. */
export function createResponse(id: string, candidate: string, responseId: string): JournalResponse {
  return { id: responseId, candidate, hash: hashParts("response", id, candidate, responseId) };
}

/** Whether a response is as it was written, and of this entry. */
export function isSoundResponse(id: string, response: JournalResponse): boolean {
  return response.hash === createResponse(id, response.candidate, response.id).hash;
}

/** Whether an answer is as it was written, and for this entry. */
export function isSoundAnswer(id: string, { hash, json }: JournalAnswer): boolean {
  return hash === hashParts("answer", id, json);
}

/** The pieces up to the first one that is not as it was written, or does not follow the one before it. */
export function keepSoundPieces(id: string, pieces: JournalEntry["pieces"]): JournalPiece[] {
  const sound: JournalPiece[] = [];
  for (const piece of pieces) {
    const { hash } = createPiece(id, sound.at(-1), piece);
    if (piece.hash !== hash) break;
    sound.push(piece);
  }
  return sound;
}
