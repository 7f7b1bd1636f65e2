import { SCRIPTED_CHAIN } from "../worker/worker-model.ts";
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
    style("bold", "An agent is killed three times, its model fails, and it finishes its work"),
    "",
    `  thread  ${threadId}`,
    ...(modelUrl === undefined
      ? [
          `  model   ${SCRIPTED_CHAIN.join(", then ")}: scripted replies, made-up prices, and the`,
          "          first is down for a while; set OPENAI_API_KEY for a real one",
        ]
      : [`  model   ${modelUrl}`]),
    ...(sabotage ? [style("yellow", `  saver   sabotaged: ${sabotage}`)] : []),
    "",
  ];
}
