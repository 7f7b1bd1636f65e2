import type { ProviderFamily } from "./provider-row.ts";
import { completion, delta, DONE, openAiError, streamedText } from "./shapes.ts";

/** Hosts of open models. */
export const HOSTS: ProviderFamily = {
  name: "Together, Fireworks, Cerebras, Cohere, Hugging Face, GitHub Models",
  errors: [
    {
      sends: "Together: 422 for a prompt that is too long",
      status: 422,
      body: openAiError(
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens and 512 `max_new_tokens`",
      ),
      means: "context-length",
      windowTokens: 8193,
    },
    {
      sends: "Together: 402 Credit limit exceeded",
      status: 402,
      body: openAiError(
        "Credit limit exceeded, please navigate to https://api.together.ai/settings/billing to upgrade.",
        { type: "credit_limit" },
      ),
      means: "quota-exhausted",
    },
    {
      sends: "Fireworks: 412 for an account that is suspended",
      status: 412,
      body: {
        error:
          "Account my-team is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.",
      },
      means: "quota-exhausted",
    },
    {
      sends: "Fireworks: 400 for a prompt that is too long",
      status: 400,
      body: openAiError("The prompt is too long: 9000, model maximum context length: 8191"),
      means: "context-length",
      windowTokens: 8191,
    },
    {
      sends: "Cerebras: 400 for messages that are too long",
      status: 400,
      body: {
        message:
          "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
        type: "invalid_request_error",
        param: "messages",
        code: "context_length_exceeded",
      },
      means: "context-length",
      windowTokens: 8192,
    },
    {
      sends: "Cohere: 400 for too many tokens",
      status: 400,
      body: {
        message:
          "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000. Try using a shorter prompt.",
      },
      means: "context-length",
      windowTokens: 4081,
    },
    {
      sends: "Hugging Face: 422 for a prompt that is too long",
      status: 422,
      body: {
        error: "Input validation error: `inputs` must have less than 1024 tokens. Given: 5000",
        error_type: "validation",
      },
      means: "context-length",
      windowTokens: 1024,
    },
    {
      sends: "Hugging Face: 402 when the included credits are used up",
      status: 402,
      body: { error: "You have exceeded your monthly included credits for Inference Providers." },
      means: "quota-exhausted",
    },
    {
      sends: "GitHub Models: 413 tokens_limit_reached",
      status: 413,
      body: openAiError("Request body too large for gpt-4.1 model. Max size: 8000 tokens.", {
        code: "tokens_limit_reached",
      }),
      means: "context-length",
      windowTokens: 8000,
    },
    {
      sends: "GitHub Copilot: 400 model_max_prompt_tokens_exceeded",
      status: 400,
      body: openAiError("prompt token count of 130000 exceeds the limit of 128000", {
        code: "model_max_prompt_tokens_exceeded",
      }),
      means: "context-length",
      windowTokens: 128_000,
    },
    {
      sends: "400 max_tokens must be between 1 and 4096",
      status: 400,
      body: openAiError("max_tokens must be between 1 and 4096"),
      means: "unsupported",
    },
  ],
  answers: [
    {
      sends: "eos as finish reason",
      whole: completion({ content: "Hello there" }, "eos"),
      streamed: [...streamedText("Hello there"), delta({}, "eos"), DONE],
      gives: { text: "Hello there" },
    },
  ],
};

/** Servers that people run themselves. */
export const LOCAL_SERVERS: ProviderFamily = {
  name: "vLLM, SGLang, llama.cpp, Ollama, LM Studio",
  errors: [
    {
      sends: "vLLM: 400 for a prompt that is too long",
      status: 400,
      body: {
        object: "error",
        message:
          "The decoder prompt (length 9000) is longer than the maximum model length of 8192. Make sure that `max_model_len` is no smaller than the number of text tokens.",
        type: "BadRequestError",
        param: null,
        code: 400,
      },
      means: "context-length",
      windowTokens: 8192,
    },
    {
      sends: "vLLM: 400 with the counts of input and output",
      status: 400,
      body: openAiError(
        "You passed 9000 input tokens and requested 100 output tokens. However, the model's context length is only 8192 tokens, resulting in a maximum input length of 8092 tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=9000)",
        { code: 400 },
      ),
      means: "context-length",
      windowTokens: 8192,
    },
    {
      sends: "vLLM: 400 for more answer tokens than are left of the window",
      status: 400,
      body: openAiError(
        "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is 8192 tokens and your request has 100 input tokens (9000 > 8192 - 100).",
        { code: 400 },
      ),
      means: "unsupported",
    },
    {
      sends: "SGLang: 400 for a prompt that is too long",
      status: 400,
      body: {
        object: "error",
        message: "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        type: "BadRequestError",
        code: 400,
      },
      means: "context-length",
      windowTokens: 8192,
    },
    {
      sends: "llama.cpp: 400 exceed_context_size_error with n_ctx",
      status: 400,
      body: {
        error: {
          code: 400,
          message: "the request exceeds the available context size, try increasing it",
          type: "exceed_context_size_error",
          n_prompt_tokens: 9000,
          n_ctx: 4096,
        },
      },
      means: "context-length",
      windowTokens: 4096,
    },
    {
      sends: "llama.cpp: 500 in its older words",
      status: 500,
      body: {
        error: {
          code: 500,
          message:
            "the request exceeds the available context size. try increasing the context size or enable context shift",
          type: "server_error",
        },
      },
      means: "context-length",
    },
    {
      sends: "Ollama: 400 for tools",
      status: 400,
      body: openAiError("registry.ollama.ai/library/gemma:2b does not support tools", {
        type: "api_error",
      }),
      means: "unsupported",
    },
    {
      sends: "Ollama: 404 for a model that is not there",
      status: 404,
      body: openAiError('model "llama9" not found, try pulling it first', { type: "api_error" }),
      means: "not-found",
    },
    {
      sends: "Ollama: 400 for a prompt that is too long",
      status: 400,
      body: openAiError("the input length exceeds the context length"),
      means: "context-length",
    },
    {
      sends: "LM Studio: 400 for a prompt that is too long",
      status: 400,
      body: {
        error:
          "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.",
      },
      means: "context-length",
      windowTokens: 4096,
    },
    {
      sends: "LM Studio: 400 with n_keep and n_ctx",
      status: 400,
      body: { error: "Cannot truncate prompt with n_keep (5000) >= n_ctx (4096)" },
      means: "context-length",
      windowTokens: 4096,
    },
    {
      sends: "a chat template that wants roles to alternate",
      status: 400,
      body: openAiError("Conversation roles must alternate user/assistant/user/assistant/..."),
      means: "unsupported",
    },
  ],
  answers: [
    {
      sends: "abort as finish reason",
      whole: completion({ content: "Half of" }, "abort"),
      streamed: [delta({ role: "assistant", content: "" }), delta({}, "abort"), DONE],
      means: "server-error",
    },
    {
      sends: "another id with every piece of a tool call",
      streamed: [
        delta({
          role: "assistant",
          content: null,
          tool_calls: [{ index: 0, id: "one", type: "function", function: { name: "add" } }],
        }),
        delta({
          tool_calls: [
            { index: 0, id: "two", type: "function", function: { arguments: '{"a": 1, ' } },
          ],
        }),
        delta({
          tool_calls: [
            { index: 0, id: "three", type: "function", function: { arguments: '"b": 2}' } },
          ],
        }),
        delta({}, "tool_calls"),
        DONE,
      ],
      gives: { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    },
    {
      sends: "arguments of a tool call as an object",
      whole: completion(
        {
          content: "",
          tool_calls: [
            { id: "", type: "function", function: { name: "add", arguments: { a: 1, b: 2 } } },
          ],
        },
        "stop",
      ),
      streamed: [
        delta({
          role: "assistant",
          content: "",
          tool_calls: [{ function: { name: "add", arguments: { a: 1, b: 2 } } }],
        }),
        delta({}, "stop"),
        DONE,
      ],
      gives: { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    },
    {
      sends: "such arguments for a schema",
      whole: completion(
        {
          content: "",
          tool_calls: [{ id: "", function: { name: "extract", arguments: { city: "Paris" } } }],
        },
        "stop",
      ),
      gives: { parsed: { method: "functionCalling", value: { city: "Paris" } } },
    },
  ],
};
