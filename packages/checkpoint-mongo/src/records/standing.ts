import {
  compareChannelVersions,
  ERROR,
  INTERRUPT,
  WRITES_IDX_MAP,
} from "@langchain/langgraph-checkpoint";
import type { CheckpointHeader } from "../codec/checkpoints/checkpoint-text.ts";
import type { ChannelManifest, Manifest } from "../documents/manifest.ts";

/** Where a thread stands, as its root graph's latest checkpoint and that one's pending writes tell. */
export type Standing = "idle" | "busy" | "interrupted" | "error";

/** By the code that is stored. A pending write can only raise it. */
const STANDINGS: readonly Standing[] = ["idle", "busy", "interrupted", "error"];

/** The code that stands for a standing. */
export function toCode(standing: Standing): number {
  return STANDINGS.indexOf(standing);
}

/** The standing that a code stands for. */
export function fromCode(code: number): Standing {
  return STANDINGS[code] ?? "idle";
}

/** Whether a code stands for what only pending writes say. */
export function isRaised(code: number): boolean {
  return code >= toCode("interrupted");
}

/** The places of pending writes that raise a standing. */
export const RAISING_PLACES: readonly number[] = [
  WRITES_IDX_MAP[INTERRUPT]!,
  WRITES_IDX_MAP[ERROR]!,
];

/** What pending writes make of a standing, by their places among those of their tasks. */
export function raiseBy(places: readonly number[]): "interrupted" | "error" | undefined {
  if (places.includes(WRITES_IDX_MAP[ERROR]!)) return "error";
  return places.includes(WRITES_IDX_MAP[INTERRUPT]!) ? "interrupted" : undefined;
}

/** What decides whether a checkpoint has tasks to run. */
export interface CheckpointTriggers {
  readonly header: Pick<CheckpointHeader, "channel_versions" | "versions_seen">;
  readonly manifest: Manifest;
}

/**
 * Where a thread stands at a checkpoint without pending writes: busy if a node is to run next. This is told
 * by LangGraph's own channels: a node runs when a channel that triggers it holds a value of a version that it
 * has not seen.
 */
export function readStanding({ header, manifest }: CheckpointTriggers): "idle" | "busy" {
  for (const [channel, held] of manifest) {
    if (isTrigger(channel, held) && !isSeen(channel, header)) return "busy";
  }
  return "idle";
}

/** Whether a channel makes a node run once it has a new value. */
function isTrigger(channel: string, held: ChannelManifest): boolean {
  // The input; a node that another one leads to; tasks that were sent.
  if (channel === "__start__" || channel.startsWith("branch:to:")) return true;
  if (channel === "__pregel_tasks") return !isEmpty(held);
  return channel.startsWith("join:") && isJoined(channel, held);
}

function isEmpty(held: ChannelManifest): boolean {
  if ("slices" in held) return held.slices.length === 0;
  return held.kind === "inline" && (held.text === "[]" || held.text === "null");
}

/** `join:a+b:c` holds the names of the nodes that have come, and waits for all of them. */
function isJoined(channel: string, held: ChannelManifest): boolean {
  const expected = channel.slice("join:".length, channel.lastIndexOf(":")).split("+").length;
  if (held.kind !== "inline") return true;
  try {
    const come: unknown = JSON.parse(held.text);
    return !Array.isArray(come) || come.length >= expected;
  } catch {
    return true;
  }
}

function isSeen(
  channel: string,
  { channel_versions, versions_seen }: CheckpointTriggers["header"],
) {
  const version = channel_versions[channel];
  if (version === undefined) return false;
  return Object.entries(versions_seen).some(([node, seen]) => {
    const own = node === "__interrupt__" ? undefined : seen[channel];
    return own !== undefined && compareChannelVersions(own, version) >= 0;
  });
}
