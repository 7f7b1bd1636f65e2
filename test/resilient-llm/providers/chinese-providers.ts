import type { ProviderFamily } from "./provider-row.ts";
import { completion, delta, DONE, openAiError, streamedText } from "./shapes.ts";

/** Moonshot (Kimi). */
export const MOONSHOT: ProviderFamily = {
  name: "Moonshot (Kimi)",
  errors: [
    {
      sends: "429 exceeded_current_quota_error",
      status: 429,
      body: openAiError("Your account is suspended, please check your plan and billing details", {
        type: "exceeded_current_quota_error",
      }),
      means: "quota-exhausted",
    },
    {
      sends: "429 engine_overloaded_error",
      status: 429,
      body: openAiError("The engine is currently overloaded, please try again later", {
        type: "engine_overloaded_error",
      }),
      means: "rate-limited",
    },
    {
      sends: "429 rate_limit_reached_error",
      status: 429,
      body: openAiError(
        "Your account reached max organization concurrency: 1, please try again after 1 seconds",
        { type: "rate_limit_reached_error" },
      ),
      means: "rate-limited",
      waitsMs: 1000,
    },
    {
      sends: "400 for a prompt that is too long",
      status: 400,
      body: openAiError("Invalid request: Your request exceeded model token limit: 8192"),
      means: "context-length",
      windowTokens: 8192,
    },
    {
      sends: "401 invalid_authentication_error",
      status: 401,
      body: openAiError("Invalid Authentication", { type: "invalid_authentication_error" }),
      means: "authentication",
    },
    {
      sends: "400 content_filter",
      status: 400,
      body: openAiError("The request was rejected because it was considered high risk", {
        type: "content_filter",
      }),
      means: "content-filter",
    },
  ],
};

/** Alibaba's DashScope (Qwen). */
export const DASHSCOPE: ProviderFamily = {
  name: "Alibaba DashScope (Qwen)",
  errors: [
    {
      sends: "400 Arrearage",
      status: 400,
      body: openAiError("Access denied, please make sure your account is in good standing.", {
        code: "Arrearage",
        type: "Arrearage",
      }),
      means: "quota-exhausted",
    },
    {
      sends: "403 AllocationQuota.FreeTierOnly",
      status: 403,
      body: openAiError("The free tier of the model has been exhausted.", {
        code: "AllocationQuota.FreeTierOnly",
      }),
      means: "quota-exhausted",
    },
    {
      sends: "429 limit_requests",
      status: 429,
      body: openAiError("You exceeded your current requests list.", { code: "limit_requests" }),
      means: "rate-limited",
    },
    {
      sends: "429 Throttling.RateQuota",
      status: 429,
      body: {
        code: "Throttling.RateQuota",
        message: "Requests rate limit exceeded, please try again later.",
      },
      means: "rate-limited",
    },
    {
      sends: "400 data_inspection_failed",
      status: 400,
      body: openAiError("Output data may contain inappropriate content.", {
        code: "data_inspection_failed",
      }),
      means: "content-filter",
    },
    {
      sends: "400 DataInspectionFailed",
      status: 400,
      body: {
        code: "DataInspectionFailed",
        message: "Input data may contain inappropriate content.",
      },
      means: "content-filter",
    },
    {
      sends: "400 for a prompt that is too long",
      status: 400,
      body: openAiError("Range of input length should be [1, 30720]", {
        code: "invalid_parameter_error",
      }),
      means: "context-length",
      windowTokens: 30_720,
    },
    {
      sends: "404 for a model that is not there",
      status: 404,
      body: openAiError("The model `qwen-huge` does not exist or you do not have access to it.", {
        code: "model_not_found",
      }),
      means: "not-found",
    },
  ],
  answers: [
    {
      sends: "400 only support stream mode, so a whole answer is asked for by streaming",
      wholeStatus: 400,
      whole: openAiError(
        "This model only support stream mode, please enable the stream parameter to access the model.",
        { code: "invalid_parameter_error" },
      ),
      streamed: [...streamedText("Hello there"), delta({}, "stop"), DONE],
      gives: { text: "Hello there" },
    },
    {
      sends: "sensitive as finish reason",
      whole: completion({ content: "I" }, "sensitive"),
      streamed: [delta({ role: "assistant", content: "" }), delta({}, "sensitive"), DONE],
      means: "content-filter",
    },
    {
      sends: "an empty name and an empty id in every further piece of a tool call",
      streamed: [
        delta({
          role: "assistant",
          content: null,
          tool_calls: [
            { index: 0, id: "call_1", type: "function", function: { name: "add", arguments: "" } },
          ],
        }),
        delta({
          tool_calls: [
            { index: 0, id: "", type: "function", function: { name: "", arguments: '{"a": 1, ' } },
          ],
        }),
        delta({
          tool_calls: [
            { index: 0, id: "", type: "function", function: { name: null, arguments: '"b": 2}' } },
          ],
        }),
        delta({}, "tool_calls"),
        DONE,
      ],
      gives: { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    },
  ],
};

/** Zhipu (GLM). */
export const ZHIPU: ProviderFamily = {
  name: "Zhipu (GLM)",
  errors: [
    {
      sends: "429 1302, too many calls at a time",
      status: 429,
      body: { error: { code: "1302", message: "您的账户已达到速率限制" } },
      means: "rate-limited",
    },
    {
      sends: "429 1113, no money left",
      status: 429,
      body: { error: { code: "1113", message: "余额不足或无可用资源包,请充值。" } },
      means: "quota-exhausted",
    },
    {
      sends: "400 1301, content filter",
      status: 400,
      body: {
        error: { code: "1301", message: "系统检测到输入或生成内容可能包含不安全或敏感内容" },
        contentFilter: [{ role: "user", level: 1 }],
      },
      means: "content-filter",
    },
    {
      sends: "400 1261, the prompt is too long",
      status: 400,
      body: { error: { code: "1261", message: "Prompt exceeds max length" } },
      means: "context-length",
    },
    {
      sends: "400 1211, no such model",
      status: 400,
      body: { error: { code: "1211", message: "模型不存在，请检查模型代码。" } },
      means: "not-found",
    },
  ],
  answers: [
    {
      sends: "network_error as finish reason",
      whole: completion({ content: "Half of" }, "network_error"),
      streamed: [delta({ role: "assistant", content: "" }), delta({}, "network_error"), DONE],
      means: "server-error",
    },
  ],
};

/** MiniMax, SiliconFlow, iFlow, Volcengine: errors in answers with status 200, and others. */
export const IN_BAND: ProviderFamily = {
  name: "MiniMax, SiliconFlow, iFlow, Volcengine",
  errors: [
    {
      sends: "SiliconFlow: 403 without balance",
      status: 403,
      body: { code: 30001, message: "Sorry, your account balance is insufficient", data: null },
      means: "quota-exhausted",
    },
    {
      sends: "Volcengine: 403 AccountOverdueError",
      status: 403,
      body: openAiError("The request failed because your account has an overdue balance.", {
        code: "AccountOverdueError",
        type: "Forbidden",
      }),
      means: "quota-exhausted",
    },
    {
      sends: "Volcengine: 400 SensitiveContentDetected",
      status: 400,
      body: openAiError(
        "The request failed because the input text may contain sensitive information.",
        { code: "SensitiveContentDetected", type: "BadRequest" },
      ),
      means: "content-filter",
    },
    {
      sends: "Volcengine: 400 for a prompt that is too long",
      status: 400,
      body: openAiError("Total tokens of image and text exceed max message tokens.", {
        code: "InvalidParameter",
      }),
      means: "context-length",
    },
  ],
  answers: [
    {
      sends: "SiliconFlow: 200 with the code 50505",
      whole: {
        code: 50505,
        message: "Model service overloaded. Please try again later.",
        data: null,
      },
      streamed:
        '{"code": 50505, "message": "Model service overloaded. Please try again later.", "data": null}',
      means: "rate-limited",
    },
    {
      sends: "iFlow: 200 with the status 449",
      whole: { status: "449", msg: "You exceeded your current rate limit", body: null },
      streamed: '{"status": "449", "msg": "You exceeded your current rate limit", "body": null}',
      means: "rate-limited",
    },
    {
      sends: "MiniMax: 200 with the status 1002, rate limit",
      whole: { base_resp: { status_code: 1002, status_msg: "rate limit" } },
      streamed: '{"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}',
      means: "rate-limited",
    },
    {
      sends: "MiniMax: 200 with the status 1008, no money left",
      whole: { base_resp: { status_code: 1008, status_msg: "insufficient balance" } },
      means: "quota-exhausted",
    },
    {
      sends: "MiniMax: 200 with the status 2013 for a prompt that is too long",
      whole: {
        base_resp: {
          status_code: 2013,
          status_msg: "invalid params, context window exceeds limit",
        },
      },
      means: "context-length",
    },
    {
      sends: "MiniMax: a good answer with the status 0",
      whole: completion({ content: "Hello there" }, "stop", {
        base_resp: { status_code: 0, status_msg: "" },
      }),
      streamed: [
        ...streamedText("Hello there"),
        delta({}, "stop", { base_resp: { status_code: 0, status_msg: "" } }),
        DONE,
      ],
      gives: { text: "Hello there" },
    },
  ],
};
