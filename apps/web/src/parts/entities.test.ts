import { expect, test } from "bun:test";
import { withEntities } from "./entities.ts";

test("names and numbers of characters are read once", () => {
  expect(withEntities("a &lt;b&gt; &#60;c&#x3E; &amp;lt; &hellip;")).toBe("a <b> <c> &lt; …");
  expect(withEntities("&nothing; &#; &x &copy")).toBe("&nothing; &#; &x &copy");
});

test("what is no character becomes the sign for that", () => {
  expect(withEntities("&#0; &#xD800; &#x110000;")).toBe("\ufffd \ufffd \ufffd");
});

test("PI-03 a hidden character is named, also when it was written by its number", () => {
  expect(withEntities("a&#x202E;b&#8203;c&shy;")).toBe("a[U+202E]b[U+200B]c[U+00AD]");
});
