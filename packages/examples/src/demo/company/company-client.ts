import type { Evidence } from "../agent/state.ts";

/** The agent's way to the company's systems. */
export class CompanyClient {
  readonly #url: string;

  /** @param url - Where the company's server listens, without a slash at the end. */
  constructor(url: string) {
    this.#url = url;
  }

  /** What every monitoring system says. Changes nothing. */
  async collectEvidence(): Promise<Evidence[]> {
    const response = await fetch(`${this.#url}/evidence`);
    return (await readAnswer(response)) as Evidence[];
  }

  /**
   * Has something done.
   *
   * @param key - The same for each attempt at the same order.
   * @returns What the system says about it.
   */
  async act(action: string, args: Record<string, unknown>, key: string): Promise<string> {
    const response = await fetch(`${this.#url}/actions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key, action, args }),
    });
    return ((await readAnswer(response)) as { result: string }).result;
  }
}

async function readAnswer(response: Response): Promise<unknown> {
  if (!response.ok)
    throw new Error(
      `${response.url} answered ${response.status}: ${await response.text()}. The step was not done.`,
    );
  return response.json();
}
