import type { Proof } from "../proofs/proof.ts";
import { style } from "./style.ts";

/** Violations shown of each proof; after a wrong turn early in the run there can be dozens. */
const MAX_VIOLATIONS = 5;

/**
 * The proofs as lines: claim, figures, under a claim that does not hold what contradicts it, and at
 * the end the verdict.
 *
 * @param elapsedMs - How long the run took.
 */
export function formatProofs(proofs: readonly Proof[], elapsedMs: number): string[] {
  const width = Math.max(...proofs.map(({ claim }) => claim.length));
  const broken = proofs.filter(({ violations }) => violations.length > 0);
  const took = style("dim", `(${(elapsedMs / 1000).toFixed(1)} s)`);
  return [
    "",
    style("bold", "Proved from the model's request log, the checkpoints and the ledger of actions"),
    "",
    ...proofs.flatMap((proof) => formatProof(proof, width)),
    "",
    broken.length === 0
      ? `${style("green", `All ${proofs.length} proofs hold.`)} ${took}`
      : `${style("red", `${broken.length} of ${proofs.length} proofs do not hold:`)} ` +
        `${broken.map(({ claim }) => claim).join("; ")}. ${took}`,
  ];
}

function formatProof({ claim, figures, violations }: Proof, width: number): string[] {
  const [mark, format] =
    violations.length === 0 ? (["✓", "green"] as const) : (["✗", "red"] as const);
  const more = violations.length - MAX_VIOLATIONS;
  return [
    `  ${style(format, mark)} ${claim.padEnd(width)}  ${style("dim", figures)}`,
    ...violations.slice(0, MAX_VIOLATIONS).map((violation) => `      ${violation}`),
    ...(more > 0 ? [`      … and ${more} more`] : []),
  ];
}
