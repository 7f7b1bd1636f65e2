type Fetch = typeof globalThis.fetch;

/** The path of OpenAI's Responses API, without a response's id. */
const RESPONSES_PATH = /\/responses(?:\?|$)/;

/** In a text of the prompt the quotes would be escaped. */
const ASKS_FOR_BACKGROUND = /"background"\s*:\s*true/;

/** The address of a request. */
export function readUrl(input: Parameters<Fetch>[0]): string {
  return input instanceof Request ? input.url : String(input);
}

/** Whether a request begins a response that the provider makes in the background, and keeps for a while. */
export function isBackground(
  input: Parameters<Fetch>[0],
  init: RequestInit | undefined,
): init is RequestInit & { readonly body: string } {
  return (
    typeof init?.body === "string" &&
    RESPONSES_PATH.test(readUrl(input)) &&
    ASKS_FOR_BACKGROUND.test(init.body)
  );
}
