/** What the config of a put says of where a checkpoint comes from. The checkpoint's metadata stays as it is. */
export interface CheckpointOrigin {
  readonly runId: string | undefined;
  /** A text for each field that `indexedConfig` names, with its value. */
  readonly config: readonly string[];
}

/** The fields of a checkpoint's document. */
export function toOriginFields({ runId, config }: CheckpointOrigin): {
  readonly run_id?: string;
  readonly config?: readonly string[];
} {
  return { ...(runId !== undefined && { run_id: runId }), ...(config.length > 0 && { config }) };
}
