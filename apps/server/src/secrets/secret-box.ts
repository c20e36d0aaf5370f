import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";

/** The master key: 32 bytes, and a name that is stored with all it seals. */
export interface MasterKey {
  id: string;
  bytes: Uint8Array;
  /** The key before this one, until everything it sealed is sealed anew. It opens, and never seals. */
  previous?: MasterKey;
}

/** Where a sealed value is stored. It cannot be opened from anywhere else (WB-11). */
export interface SealedPlace {
  table: string;
  column: string;
  row: number | string;
  workspaceId: number | null;
}

const VERSION = "v1";
/** AES-256. */
const KEY_BYTES = 32;
/** As NIST SP 800-38D gives for AES-GCM; random nonces of this size are good for 2^32 values a key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Enough to tell keys apart, too little to say anything about one. */
const ID_HEX = 8;

/** @throws Error unless `bytes` are 32 */
export function masterKey(bytes: Uint8Array): MasterKey {
  if (bytes.length !== KEY_BYTES)
    throw new Error(`the secret key has ${bytes.length} bytes; it needs ${KEY_BYTES}`);
  return {
    id: createHash("sha256").update("windshift key id").update(bytes).digest("hex").slice(0, ID_HEX),
    bytes,
  };
}

/** A key of its own for one purpose, such as signing cookies; the same at every start. */
export function derivedKey(key: MasterKey, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key.bytes, new Uint8Array(), `windshift ${purpose}`, KEY_BYTES));
}

/** Encrypts `plain` for one place with AES-256-GCM: `v1.<key id>.<nonce>.<ciphertext and tag>`. Never the same twice. */
export function seal(key: MasterKey, plain: string, place: SealedPlace): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce).setAAD(bindingOf(place));
  const sealed = Buffer.concat([cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return [VERSION, key.id, nonce.toString("base64url"), sealed.toString("base64url")].join(".");
}

/** @throws Error when it was sealed with another key, for another place, or was changed; the text holds no secret */
export function open(key: MasterKey, sealed: string, place: SealedPlace): string {
  const [version, keyId, nonce, rest, more] = sealed.split(".");
  const where = `${place.table}.${place.column} of row ${place.row}`;
  if (version !== VERSION || nonce === undefined || rest === undefined || more !== undefined) {
    throw new Error(`${where} is not a sealed value`);
  }
  const opener = keyId === key.id ? key : keyId === key.previous?.id ? key.previous : undefined;
  if (opener === undefined) throw new Error(`${where} was sealed with the key ${keyId}, not with ${key.id}`);
  const bytes = Buffer.from(rest, "base64url");
  try {
    const decipher = createDecipheriv("aes-256-gcm", opener.bytes, Buffer.from(nonce, "base64url"), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(bindingOf(place)).setAuthTag(bytes.subarray(-TAG_BYTES));
    return decipher.update(bytes.subarray(0, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch (cause) {
    throw new Error(`${where} was changed, or moved from another place`, { cause });
  }
}

/** Name of the key a value was sealed with. */
export function keyIdOf(sealed: string): string {
  return sealed.split(".")[1] ?? "unknown";
}

/** First hex digits of a secret's SHA-256: shown in place of the secret. */
export function fingerprint(secret: string): string {
  return createHash("sha256").update(secret).digest("hex").slice(0, ID_HEX);
}

function bindingOf(place: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([place.table, place.column, place.row, place.workspaceId]));
}
