import type { ThreadEncryption } from "../encryption/thread-encryption.ts";
import type { CheckpointOrigin } from "../documents/checkpoint-origin.ts";
import { writeField } from "../documents/search-field.ts";
import { matchesMetadata, type MetadataFilter } from "./matches-metadata.ts";

/** A condition on what is kept of the config of a put. Metadata that says the same meets it too. */
export interface OriginCondition {
  readonly key: string;
  readonly value: unknown;
  /** The fields of a checkpoint's document that it has if its config said so; undefined if none can. */
  readonly stored: { readonly run_id: string } | { readonly config: string } | undefined;
  /** The field in clear text, where documents without encryption are read too. */
  readonly plainConfig?: string | undefined;
}

/** A filter, taken apart. */
export interface SplitFilter {
  readonly metadata: MetadataFilter;
  readonly origin: readonly OriginCondition[];
}

/**
 * Takes the conditions out of a filter that are about what is kept of configs.
 *
 * @param indexed the fields that `indexedConfig` names
 */
export function splitFilter(filter: MetadataFilter, indexed: readonly string[]): SplitFilter {
  const isOfOrigin = (key: string): boolean => key === "run_id" || indexed.includes(key);
  const entries = Object.entries(filter);
  return {
    metadata: Object.fromEntries(entries.filter(([key]) => !isOfOrigin(key))),
    origin: entries
      .filter(([key]) => isOfOrigin(key))
      .map(([key, value]) => ({ key, value, stored: toStored(key, value) })),
  };
}

function toStored(key: string, value: unknown): OriginCondition["stored"] {
  if (key === "run_id") return typeof value === "string" ? { run_id: value } : undefined;
  const isScalar =
    typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  return isScalar ? { config: writeField(key, value as string | number | boolean) } : undefined;
}

/** Whether a checkpoint meets a condition. */
export function meetsOrigin(
  { key, value, stored, plainConfig }: OriginCondition,
  { runId, config }: CheckpointOrigin,
  metadata: unknown,
): boolean {
  const isKept =
    stored !== undefined &&
    ("run_id" in stored ? stored.run_id === runId : config.includes(stored.config));
  const isKeptPlain = plainConfig !== undefined && config.includes(plainConfig);
  return isKept || isKeptPlain || matchesMetadata(metadata, { [key]: value });
}

/** The same filter for checkpoints whose fields of the config are encrypted. */
export function sealFilter(
  { metadata, origin }: SplitFilter,
  { secrets, isPlainAllowed }: Pick<ThreadEncryption, "secrets" | "isPlainAllowed">,
): SplitFilter {
  return {
    metadata,
    origin: origin.map((condition) => {
      const { stored } = condition;
      if (stored === undefined || "run_id" in stored) return condition;
      return {
        ...condition,
        stored: { config: secrets.toToken(stored.config) },
        ...(isPlainAllowed && { plainConfig: stored.config }),
      };
    }),
  };
}

/** What is kept of a config, as it is stored. */
export function sealOrigin(
  origin: CheckpointOrigin,
  encryption: Pick<ThreadEncryption, "secrets"> | undefined,
): CheckpointOrigin {
  if (encryption === undefined || origin.config.length === 0) return origin;
  return { ...origin, config: origin.config.map((field) => encryption.secrets.toToken(field)) };
}
