import type { BaseMessage } from "@langchain/core/messages";

const PARTS = [
  "A lighthouse is a tower with a lamp that can be seen from far away at sea.",
  "The first one of which much is known stood at Alexandria and was built of pale stone.",
  "For two thousand years its keepers burned wood, then oil, then gas, and someone had to climb the stairs each evening.",
  "In 1822 a French engineer put a lens around the flame that was made of many rings of glass.",
  "It threw the light of one lamp as far as the horizon, and the number of ships that were lost went down within a few years.",
  "Each tower was given its own rhythm of flashes, so that a captain could tell by night which one it was.",
  "Today most of them have no keeper, and a satellite says where a ship is.",
  "Still the lamps are lit at dusk, because a light needs nobody to trust it.",
];

/** The whole article. */
export const ARTICLE: string = PARTS.join("\n\n");

/** Writes an article. Asked for the rest of it, it begins with the words that it is told to begin with. */
export function articleScript(messages: readonly BaseMessage[]): string {
  const [cut, request] = messages.slice(-2);
  if (cut?.type !== "ai" || request?.type !== "human") return ARTICLE;
  const lastWords = request.text.slice(request.text.indexOf("\n") + 1);
  const start = ARTICLE.indexOf(lastWords);
  return start === -1 ? ARTICLE : ARTICLE.slice(start);
}
