/** What a process with a session is to do. */
export interface SessionOrder {
  readonly uri: string;
  readonly dbName: string;
  readonly baseURL: string;
  readonly sessionId: string;
  readonly questions: readonly string[];
}

/** What it tells at its end. */
export interface SessionEnd {
  readonly texts: readonly string[];
  readonly results: readonly unknown[];
}

/** The words of each answer. */
export const WORDS = 40;
