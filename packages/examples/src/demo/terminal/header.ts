import type { Sabotage } from "../killing/sabotage.ts";
import { style } from "./style.ts";

/** What a run is about, before it begins. */
export interface RunHeader {
  threadId: string;
  /** The real model's server; absent where replies are scripted. */
  modelUrl: string | undefined;
  sabotage: Sabotage | undefined;
}

/** The lines above the timeline. */
export function formatHeader({ threadId, modelUrl, sabotage }: RunHeader): string[] {
  return [
    "",
    style("bold", "An agent is killed three times and finishes its work"),
    "",
    `  thread  ${threadId}`,
    `  model   ${modelUrl ?? "scripted replies; set OPENAI_API_KEY for a real one"}`,
    ...(sabotage ? [style("yellow", `  saver   sabotaged: ${sabotage}`)] : []),
    "",
  ];
}
