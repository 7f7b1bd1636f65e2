import { EncryptionKeyError } from "./encryption-key-error.ts";
import { IntegrityKeyError } from "./integrity-key-error.ts";
import { PlaintextRefusedError } from "./plaintext-refused-error.ts";

/** Whether something cannot be read because of the keys that a saver has. That is no sign of damage. */
export function isKeyError(error: unknown): boolean {
  return (
    IntegrityKeyError.isInstance(error) ||
    EncryptionKeyError.isInstance(error) ||
    PlaintextRefusedError.isInstance(error)
  );
}
