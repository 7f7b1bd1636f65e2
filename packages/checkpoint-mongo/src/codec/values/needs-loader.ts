import { TAG_OPENING } from "./tags.ts";

const LANGCHAIN_OPENING = `${TAG_OPENING}langchain"`;

/** Whether a text holds an object that only LangChain's own loader can bring back. */
export function needsLoader(text: string): boolean {
  return text.includes(LANGCHAIN_OPENING);
}

/** The same of a text as UTF-8, which is not decoded for it. */
export function needsLoaderAsBytes({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  return Buffer.from(buffer, byteOffset, byteLength).includes(LANGCHAIN_OPENING);
}
