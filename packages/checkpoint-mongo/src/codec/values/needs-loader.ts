import { TAG_OPENING } from "./tags.ts";

const LANGCHAIN_OPENING = `${TAG_OPENING}langchain"`;

/** Whether a text holds an object that only LangChain's own loader can rebuild. */
export function needsLoader(text: string): boolean {
  return text.includes(LANGCHAIN_OPENING);
}

/** The same for a text in UTF-8, without decoding it. */
export function needsLoaderAsBytes({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  return Buffer.from(buffer, byteOffset, byteLength).includes(LANGCHAIN_OPENING);
}
