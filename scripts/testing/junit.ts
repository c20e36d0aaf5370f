/** One test of a JUnit report. */
export interface TestCase {
  /** Path as bun wrote it, relative to the folder it ran in. */
  file: string;
  name: string;
  outcome: "passed" | "failed" | "skipped";
}

/** Reads the test cases of a JUnit report as bun writes it. Text in it is escaped, so tags can be told apart by looking. */
export function parseJunit(xml: string): TestCase[] {
  const cases: TestCase[] = [];
  for (const [, attributes = "", body = ""] of xml.matchAll(
    /<testcase\b((?:\s+[\w-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const group = attribute(attributes, "classname");
    const name = attribute(attributes, "name");
    cases.push({
      file: attribute(attributes, "file"),
      name: group === "" ? name : `${group} > ${name}`,
      outcome: /<(?:failure|error)\b/.test(body) ? "failed" : /<skipped\b/.test(body) ? "skipped" : "passed",
    });
  }
  return cases;
}

function attribute(attributes: string, name: string): string {
  const value = attributes.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1] ?? "";
  return value
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
