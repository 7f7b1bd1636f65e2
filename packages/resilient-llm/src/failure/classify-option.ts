import type { FailureKind } from "./failure.ts";

/** An error or an odd end of an answer, as {@link ClassifyOption} gets it. */
export interface ProviderErrorDescription {
  /** HTTP status, or the one that stands in the body of an answer with status 200. */
  readonly status?: number | undefined;
  /** `error.code`. */
  readonly code?: string | undefined;
  /** `error.type`. */
  readonly type?: string | undefined;
  /** `error.param`. */
  readonly param?: string | undefined;
  /** `finish_reason` of an answer that came with status 200. */
  readonly finishReason?: string | undefined;
  /** The provider's own message, keys redacted. */
  readonly message: string;
  /** The model's name as the endpoint knows it. */
  readonly model: string;
  /** The endpoint, without passwords and keys. */
  readonly baseUrl: string;
}

/**
 * Says what an error means; `undefined` leaves it to the package's own rules. If it throws, or returns
 * anything else, the process is warned and the package's own rules decide.
 */
export type ClassifyOption = (error: ProviderErrorDescription) => FailureKind | undefined;
