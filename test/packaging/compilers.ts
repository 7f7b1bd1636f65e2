/** The TypeScript compilers that users have, the oldest and the newest: names to install them under. */
export const COMPILERS = {
  // LangGraph's API wants the 5 to be the one without a suffix.
  typescript: "typescript@5.9.3",
  "typescript-7": "typescript@7.0.2",
} as const;

/** One of the compilers. */
export type Compiler = keyof typeof COMPILERS;
