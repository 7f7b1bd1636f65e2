/** How `refine` is told to check a rule about several options. */
interface CrossCheck {
  readonly path: string[];
  readonly error: string;
  readonly when: (payload: { readonly value: unknown }) => boolean;
}

/**
 * A rule about several options, for zod's `refine`. It is checked even if other options are wrong, so
 * that all problems are listed at once.
 *
 * @param path the option to blame
 * @param expectation what is expected of it
 */
export function crossCheck(path: string, expectation: string): CrossCheck {
  return {
    path: path.split("."),
    error: expectation,
    when: ({ value }) => typeof value === "object" && value !== null,
  };
}
