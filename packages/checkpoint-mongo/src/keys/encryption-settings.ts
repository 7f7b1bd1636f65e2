import type { EncryptionOptions, KeyProvider } from "./encryption-options.ts";
import { LocalKeyProvider } from "./local-key-provider.ts";

/** Checked options of encryption with their defaults. */
export interface EncryptionSettings {
  readonly provider: KeyProvider;
  /** Keys of metadata that stay in clear text. */
  readonly searchable: ReadonlySet<string>;
  readonly isPlainAllowed: boolean;
  /** Undefined for the saver's database. */
  readonly keysDbName: string | undefined;
  readonly keysCollectionName: string;
}

/**
 * Fills in the defaults.
 *
 * @param options checked ones
 */
export function resolveEncryption(
  options: EncryptionOptions,
  collectionPrefix: string,
): EncryptionSettings {
  const { keys = {}, currentKeyId = "", keyProvider, searchable = [] } = options;
  return {
    provider: keyProvider ?? new LocalKeyProvider(keys, currentKeyId),
    searchable: new Set(searchable),
    isPlainAllowed: options.allowPlaintext ?? false,
    keysDbName: options.keysDbName,
    keysCollectionName: options.keysCollectionName ?? `${collectionPrefix}keys`,
  };
}
