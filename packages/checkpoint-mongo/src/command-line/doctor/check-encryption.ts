import { openDatabase } from "../../driver/open-database.ts";
import { EncryptionKeyError } from "../../errors/encryption-key-error.ts";
import type { Finding, Patient } from "./finding.ts";

/** Whether what is stored is encrypted, and with which keys. */
export async function checkEncryption({
  client,
  saver,
  settings,
}: Patient): Promise<readonly Finding[]> {
  const check = "Encryption";
  const { databaseName, collectionName, config } = settings;
  const { encryption } = config;
  const name = encryption?.keysCollectionName ?? collectionName.replace(/threads$/, "keys");
  const keys = openDatabase(client, encryption?.keysDbName ?? databaseName).collection(name);
  if (encryption === undefined) {
    return [
      (await keys.findOne({})) === null
        ? { check, verdict: "note", found: "off: threads lie in clear text" }
        : {
            check,
            verdict: "unknown",
            found: `threads are encrypted (there are data keys in ${name}), and no master key is given`,
            advice: "Give the options of your saver with --config.",
          },
    ];
  }
  const findings: Finding[] = [];
  const current = encryption.keyProvider?.currentKeyId ?? encryption.currentKeyId ?? "";
  try {
    // Opening it shows whether the keys fit.
    await saver.threads.count();
  } catch (error) {
    if (!EncryptionKeyError.isInstance(error)) throw error;
    return [{ check, verdict: "problem", found: error.message }];
  }
  findings.push({ check, verdict: "ok", found: `on, with the key ${current}` });
  const others = await keys.countDocuments({ key_id: { $ne: current } });
  if (others > 0) {
    findings.push({
      check: "Data keys",
      verdict: "warning",
      found: `${others} need another key than ${current}`,
      advice: "Run threadkeep rekey, and keep the old key until it has ended.",
    });
  }
  if (encryption.allowPlaintext === true) {
    findings.push({
      check: "Clear text",
      verdict: "warning",
      found: "documents in clear text are read",
      advice: "Take allowPlaintext away when no thread of before is left.",
    });
  }
  return findings;
}
