import type { Evidence } from "@threadkeep/examples/demo/agent/state";
import type { Action, ActionArguments, Company } from "@threadkeep/examples/demo/company/company";

/** The company's systems over HTTP. */
export class CompanyClient implements Company {
  readonly #url: string;

  /** @param url where the company's server listens, without a slash at the end */
  constructor(url: string) {
    this.#url = url;
  }

  async collectEvidence(): Promise<Evidence[]> {
    const response = await fetch(`${this.#url}/evidence`);
    return (await readAnswer(response)) as Evidence[];
  }

  async act(action: Action, args: ActionArguments, key: string): Promise<string> {
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
