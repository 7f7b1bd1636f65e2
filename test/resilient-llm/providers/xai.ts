import type { ProviderFamily } from "./provider-row.ts";

/** xAI. */
export const XAI: ProviderFamily = {
  name: "xAI",
  errors: [
    {
      sends: "400 Incorrect API key provided",
      status: 400,
      body: {
        code: "Client specified an invalid argument",
        error:
          "Incorrect API key provided: xa***yz. You can obtain an API key from https://console.x.ai.",
      },
      means: "authentication",
    },
    {
      sends: "403 without credits",
      status: 403,
      body: {
        code: "The caller does not have permission to execute the specified operation",
        error:
          "Your newly created teams doesn't have any credits yet. You can purchase credits on https://console.x.ai.",
      },
      means: "quota-exhausted",
    },
    {
      sends: "429 when the credits are used up",
      status: 429,
      body: {
        code: "Some resource has been exhausted",
        error:
          "Your team has either used all available credits or reached its monthly spending limit.",
      },
      means: "quota-exhausted",
    },
    {
      sends: "400 for a prompt that is too long",
      status: 400,
      body: {
        code: "Client specified an invalid argument",
        error:
          "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
      },
      means: "context-length",
      windowTokens: 131_072,
    },
    {
      sends: "404 for a model that is not there",
      status: 404,
      body: {
        code: "Some requested entity was not found",
        error: "The model grok-9 does not exist or your team does not have access to it.",
      },
      means: "not-found",
    },
    {
      sends: "400 for an argument the model does not support",
      status: 400,
      body: {
        code: "Client specified an invalid argument",
        error: "Model grok-4 does not support parameter presencePenalty.",
      },
      means: "unsupported",
    },
  ],
};
