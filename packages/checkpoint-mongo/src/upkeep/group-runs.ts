/** Puts neighbours with the same key together. */
export async function* groupRuns<T>(
  items: AsyncIterable<T>,
  keyOf: (item: T) => string,
): AsyncGenerator<T[]> {
  let run: T[] = [];
  for await (const item of items) {
    if (run.length > 0 && keyOf(run[0]!) !== keyOf(item)) {
      yield run;
      run = [];
    }
    run.push(item);
  }
  if (run.length > 0) yield run;
}
