import { expect } from "bun:test";

/** A part of a secret that is looked for must be too long to be there by chance. */
const CHARS_MIN = 12;

/** Secrets of a test, and the forms in which they might come out. */
export class Canaries {
  private readonly forms: { name: string; form: string }[] = [];

  add(name: string, secret: string): void {
    for (const form of formsOf(secret)) this.forms.push({ name, form });
  }

  /** Which of them are in the text. */
  in(text: string): string[] {
    return [...new Set(this.forms.filter(({ form }) => text.includes(form)).map(({ name }) => name))];
  }

  expectNone(where: string, text: string): void {
    expect([where, this.in(text)]).toEqual([where, []]);
  }
}

/** As it is, in hex, percent-encoded, and in base64 wherever it begins in what was encoded (as `user:token` of Basic). */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .slice(before === 0 ? 0 : 4, -4)
      .replaceAll("=", ""),
  );
  const forms = [
    secret,
    // A part of it is as bad.
    secret.slice(0, Math.max(CHARS_MIN, secret.length >> 1)),
    secret.slice(-Math.max(CHARS_MIN, secret.length >> 1)),
    bytes.toString("hex"),
    encodeURIComponent(secret),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  ];
  return [...new Set(forms)].filter((form) => form.length >= CHARS_MIN);
}
