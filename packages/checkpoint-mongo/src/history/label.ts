import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";

/** What a label is for. The types mean nothing to the saver: they are what labels are listed by. */
export type LabelType = "manual" | "before_call" | "after_call" | "periodic" | "emergency";

/** A label for a checkpoint. */
export interface NewLabel {
  /** 1 to 200 characters. A namespace has each name once. */
  readonly name: string;
  /**
   * What it is for.
   *
   * @default "manual"
   */
  readonly type: LabelType;
}

/** A label of a checkpoint. */
export interface Label extends NewLabel {
  /** The checkpoint that has it. */
  readonly checkpointId: string;
  /** The namespace of the checkpoint; empty for the root graph. */
  readonly checkpointNs: string;
  /** When it was given, by the server's clock. */
  readonly createdAt: Date;
}

/** Which labels to list. */
export interface LabelFilter {
  /** Only the label of this name. */
  readonly name?: string | undefined;
  /** Only labels of this type. */
  readonly type?: LabelType | undefined;
  /** Only labels of this namespace; empty for the root graph. By default those of all namespaces. */
  readonly checkpointNs?: string | undefined;
}

const name = z.string().min(1).max(200).refine(isWhole, "a string of whole Unicode characters");
const type = z.enum(["manual", "before_call", "after_call", "periodic", "emergency"]);

const newSchema = z.strictObject({ name, type: type.default("manual") });
const filterSchema = z.strictObject({
  name: name.optional(),
  type: type.optional(),
  checkpointNs: z.string().optional(),
});

/** @throws InvalidOptionsError if something of the label is wrong or unknown */
export function checkLabel(label: unknown): NewLabel {
  return checkOptions("label", newSchema, label);
}

/** @throws InvalidOptionsError if something of the filter is wrong or unknown */
export function checkLabelFilter(filter: unknown): LabelFilter {
  return checkOptions("listLabels", filterSchema, filter);
}

/** @throws InvalidOptionsError if it is no name of a label */
export function checkLabelName(owner: string, value: unknown): string {
  return checkOptions(owner, z.strictObject({ name }), { name: value }).name;
}

function isWhole(text: string): boolean {
  return text.isWellFormed();
}
