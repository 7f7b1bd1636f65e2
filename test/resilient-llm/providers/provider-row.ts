import type { FailureKind } from "@threadkeep/resilient-llm";

/** An error with a status of its own. */
export interface ErrorRow {
  /** What it is, as the page and the test's name say it. */
  readonly sends: string;
  readonly status: number;
  /** A text is sent as it is, everything else as JSON. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly means: FailureKind;
  /** The wait that the provider asks for, in ms. Left out: it names none. */
  readonly waitsMs?: number;
  /** The context window that the provider names, in tokens. */
  readonly windowTokens?: number;
  /** Any model would refuse the request. */
  readonly isFinal?: true;
  /** How often it is asked in all, where the kind does not say so. */
  readonly requests?: number;
}

/** What comes of an answer with status 200. */
export interface ExpectedAnswer {
  readonly text?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly args: object }[];
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly cutAtLimit?: true;
  /** What `withStructuredOutput` makes of it; asked for by this method. */
  readonly parsed?: {
    readonly method: "functionCalling" | "jsonSchema" | "jsonMode";
    readonly value: object;
  };
}

/** An answer with status 200, good or broken. One of `gives` and `means` says which. */
export interface AnswerRow {
  readonly sends: string;
  /** The body, where no stream is asked for: a text as it is, everything else as JSON. */
  readonly whole?: unknown;
  /** Status of that body; default 200. With another one the answer comes by streaming. */
  readonly wholeStatus?: number;
  /** The body, where a stream is asked for: events, a text as it is. */
  readonly streamed?: readonly (object | string)[] | string;
  readonly contentType?: string;
  readonly gives?: ExpectedAnswer;
  readonly means?: FailureKind;
}

/** What one family of providers sends. */
export interface ProviderFamily {
  /** As the page's heading. */
  readonly name: string;
  readonly errors: readonly ErrorRow[];
  readonly answers?: readonly AnswerRow[];
}
