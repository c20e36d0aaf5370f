import { expect, test } from "bun:test";
import type { Member } from "@windshift/contract/api/workspace.ts";
import { calledHandles } from "@windshift/contract/handle.ts";
import { halfHandle, offerMembers, withHandle } from "./caller-names.ts";

const member = (name: string, handle: string): Member => ({
  user_id: handle,
  name,
  handle,
  kind: "person",
  role: "member",
});

test("finds the handle that the cursor stands in, and none where the server would see none", () => {
  expect(halfHandle("hi @ad", 6)).toEqual({ at: 3, typed: "ad" });
  expect(halfHandle("@", 1)).toEqual({ at: 0, typed: "" });
  expect(halfHandle("see @Coding-A and more", 13)).toEqual({ at: 4, typed: "coding-a" });
  for (const text of ["mail me at a@b", "path/@x", "no at all", "@done already"])
    expect(halfHandle(text, text.length)).toBeUndefined();
});

test("offers those who begin so before those who hold it, and nobody without a handle", () => {
  const members = [
    member("Linda", "linda"),
    member("Ada L.", "ada-l"),
    member("Coda", "coda"),
    member("??", ""),
  ];
  expect(offerMembers(members, "da").map(({ handle }) => handle)).toEqual(["ada-l", "coda", "linda"]);
  expect(offerMembers(members, "a").map(({ handle }) => handle)[0]).toBe("ada-l");
  expect(offerMembers(members, "").map(({ handle }) => handle)).not.toContain("");
});

test("what is put in is a call as the server reads it", () => {
  const half = halfHandle("Please @cod look", 11);
  if (half === undefined) throw new Error("there is one");
  const { text, cursor } = withHandle("Please @cod look", half, "coding-agent");
  expect([text, text.slice(cursor)]).toEqual(["Please @coding-agent look", "look"]);
  expect([...calledHandles(text)]).toEqual(["coding-agent"]);
});
