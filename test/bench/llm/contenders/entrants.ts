import { LITELLM } from "../gateways/litellm.ts";
import { PORTKEY } from "../gateways/portkey.ts";
import type { Entrant } from "./contender.ts";
import { LANGCHAIN } from "./langchain.ts";
import { RESILIENT } from "./resilient.ts";

/** Who takes part, in the order of the table. */
export const ENTRANTS: readonly Entrant[] = [...LANGCHAIN, LITELLM, PORTKEY, RESILIENT];
