import { expect, test } from "bun:test";
import { AppError } from "@windshift/contract/app-error.ts";
import { RegistrationTries } from "./registration-tries.ts";

const TRIES = 100;
const guess = () => Promise.reject(new AppError("unauthenticated", "unknown"));

test("an address whose tokens are refused a hundred times in a minute is not asked for more, and no other address suffers", async () => {
  let nowMs = 0;
  let asked = 0;
  const tries = new RegistrationTries(() => nowMs);
  const register = () => {
    asked++;
    return guess();
  };
  for (let n = 0; n < TRIES; n++)
    await expect(tries.try("192.0.2.1", register)).rejects.toMatchObject({ code: "unauthenticated" });
  nowMs = 15_000;
  const over = tries.try("192.0.2.1", register);
  await expect(over).rejects.toMatchObject({ code: "rate_limited", retryAfterS: 45 });
  expect(asked).toBe(TRIES);
  expect(await tries.try("192.0.2.2", async () => "registered")).toBe("registered");
  nowMs = 60_000;
  await expect(tries.try("192.0.2.1", register)).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a fleet that joins from one address is not held up, and neither is one whose server fails", async () => {
  const tries = new RegistrationTries(() => 0);
  for (let n = 0; n < 3 * TRIES; n++) expect(await tries.try("192.0.2.1", async () => n)).toBe(n);
  const away = () => Promise.reject(new AppError("unavailable", "away"));
  for (let n = 0; n < 2 * TRIES; n++)
    await expect(tries.try("192.0.2.1", away)).rejects.toMatchObject({ code: "unavailable" });
});
