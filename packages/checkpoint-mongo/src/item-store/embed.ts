import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { describeValue } from "../options/describe-value.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { readPath } from "./embedded-text.ts";
import type { PutRequest } from "./operations.ts";
import type { IndexConfig, ResolvedStoreOptions } from "./options.ts";

/**
 * Embeds the texts of all puts with one call. The official store embeds the same text of the same fields.
 *
 * @throws whatever the embeddings throw
 * @throws InvalidOptionsError if they do not give one vector for each text
 */
export async function embedPuts(
  { embeddings, indexConfig }: Pick<ResolvedStoreOptions, "embeddings" | "indexConfig">,
  puts: readonly PutRequest[],
): Promise<ReadonlyMap<PutRequest, readonly number[]>> {
  const vectors = new Map<PutRequest, readonly number[]>();
  if (embeddings === undefined || indexConfig === undefined) return vectors;
  const texts = new Map<string, PutRequest[]>();
  for (const put of puts) {
    const text = findText(put, indexConfig);
    if (text === undefined) continue;
    const sharing = texts.get(text);
    if (sharing === undefined) texts.set(text, [put]);
    else sharing.push(put);
  }
  if (texts.size === 0) return vectors;
  const embedded: unknown = await embeddings.embedDocuments([...texts.keys()]);
  if (!Array.isArray(embedded) || embedded.length !== texts.size) {
    throw new InvalidOptionsError(
      `embedDocuments gave ${describeValue(embedded)} for ${texts.size} texts: expected as many vectors. ` +
        "Nothing was stored.",
    );
  }
  for (const [index, sharing] of [...texts.values()].entries()) {
    const vector = checkVector(embedded[index], indexConfig, "embedDocuments");
    for (const put of sharing) vectors.set(put, vector);
  }
  return vectors;
}

/** Embeds a query. */
export async function embedQuery(
  embeddings: EmbeddingsInterface,
  indexConfig: IndexConfig,
  query: string,
): Promise<readonly number[]> {
  return checkVector(await embeddings.embedQuery(query), indexConfig, "embedQuery");
}

/** The text of an item to embed; undefined if nothing of it is embedded. */
function findText({ value, index }: PutRequest, { embeddingKey }: IndexConfig): string | undefined {
  if (value === undefined || index === false) return undefined;
  if (index === undefined) {
    return embeddingKey === undefined
      ? JSON.stringify(value.value)
      : JSON.stringify(readPath(value.value, embeddingKey));
  }
  const fields = index.map((path) => [path, readPath(value.value, path)] as const);
  return fields.every(([, field]) => field === undefined)
    ? undefined
    : JSON.stringify(Object.fromEntries(fields));
}

function checkVector(vector: unknown, { dims }: IndexConfig, method: string): number[] {
  const isVector = Array.isArray(vector) && vector.every((number) => Number.isFinite(number));
  if (isVector && (dims === undefined || vector.length === dims)) return vector as number[];
  throw new InvalidOptionsError(
    `${method} gave ${describeValue(vector)}: expected ${dims ?? "some"} finite numbers, as ` +
      "indexConfig.dims says. Nothing was stored or searched.",
  );
}
