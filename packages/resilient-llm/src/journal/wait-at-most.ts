/**
 * What `promise` settles to, if it does so in time. The machine's own timer: it is about a storage, not about
 * a provider, and no test has to wait for it.
 */
export async function waitAtMost<T>(
  promise: Promise<T>,
  timeoutMs: number,
  what = "The journal",
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
