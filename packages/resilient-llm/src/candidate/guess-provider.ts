const PROVIDERS_BY_MODEL: readonly (readonly [RegExp, string])[] = [
  [/^(?:gpt|o\d|chatgpt)/i, "openai"],
  [/claude/i, "anthropic"],
  [/gemini|gemma/i, "google"],
  [/deepseek/i, "deepseek"],
  [/mistral|mixtral|codestral/i, "mistral"],
  [/llama/i, "meta"],
  [/qwen/i, "alibaba"],
  [/grok/i, "xai"],
];

/** Who makes a model: by its name, else by the host it is asked at. */
export function guessProvider(model: string, baseUrl: string): string {
  const known = PROVIDERS_BY_MODEL.find(([pattern]) => pattern.test(model));
  if (known) return known[1];
  return URL.canParse(baseUrl) ? new URL(baseUrl).host : baseUrl;
}
