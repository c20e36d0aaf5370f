import { describe, expect, test } from "bun:test";
import { masterKey, open, type SealedPlace, seal } from "./secret-box.ts";

const KEY = masterKey(new Uint8Array(32).fill(1));
const OTHER_KEY = masterKey(new Uint8Array(32).fill(2));
const PLACE: SealedPlace = { table: "connections", column: "secret_sealed", row: 4, workspaceId: 2 };

describe("WB-11 a sealed secret", () => {
  test("is opened with its key at its place, and names its key", () => {
    const sealed = seal(KEY, "sk-ünïcode", PLACE);
    expect(open(KEY, sealed, PLACE)).toBe("sk-ünïcode");
    expect(sealed.split(".").slice(0, 2)).toEqual(["v1", KEY.id]);
    expect(sealed).not.toContain("sk-");
  });

  test("is not opened in another row, column, table or workspace", () => {
    const sealed = seal(KEY, "sk-1", PLACE);
    for (const change of [
      { row: 5 },
      { row: "4" },
      { column: "other" },
      { table: "other" },
      { workspaceId: 3 },
      { workspaceId: null },
    ])
      expect(() => open(KEY, sealed, { ...PLACE, ...change })).toThrow("was changed, or moved");
  });

  test("is not opened when any bit of it is flipped", () => {
    const sealed = seal(KEY, "sk-1", PLACE);
    const [version, keyId, nonce = "", text = ""] = sealed.split(".");
    const flipped = (part: string, bit: number) => {
      const bytes = Buffer.from(part, "base64url");
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return bytes.toString("base64url");
    };
    for (let bit = 0; bit < Buffer.from(nonce, "base64url").length * 8; bit++)
      expect(() => open(KEY, [version, keyId, flipped(nonce, bit), text].join("."), PLACE)).toThrow();
    for (let bit = 0; bit < Buffer.from(text, "base64url").length * 8; bit++)
      expect(() => open(KEY, [version, keyId, nonce, flipped(text, bit)].join("."), PLACE)).toThrow();
  });

  test("is not opened when it is cut short, and not with another key", () => {
    const sealed = seal(KEY, "sk-1", PLACE);
    for (let length = 0; length < sealed.length; length++)
      expect(() => open(KEY, sealed.slice(0, length), PLACE)).toThrow();
    expect(() => open(OTHER_KEY, sealed, PLACE)).toThrow(`not with ${OTHER_KEY.id}`);
    expect(() => open({ ...OTHER_KEY, id: KEY.id }, sealed, PLACE)).toThrow("was changed, or moved");
  });

  test("is never the same twice", () => {
    const nonces = Array.from({ length: 1_000 }, () => seal(KEY, "sk-1", PLACE).split(".")[2]);
    expect(new Set(nonces).size).toBe(1_000);
  });

  test("is not made with a key of the wrong length", () => {
    for (const length of [0, 16, 31, 33]) expect(() => masterKey(new Uint8Array(length))).toThrow("needs 32");
  });
});
