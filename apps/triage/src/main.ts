#!/usr/bin/env bun
import { tmpdir } from "node:os";
import { buildVersion } from "@windshift/base/build-version.ts";
import { redact } from "@windshift/base/redact.ts";
import { TriageRequest } from "@windshift/contract/triage.ts";
import { triage } from "./triage.ts";
import { checkHost } from "./triage-check.ts";

const USAGE = `windshift-triage: git work of one attempt, on behalf of a runner
  windshift-triage             one TriageRequest (JSON) on stdin, one TriageReply (JSON) on stdout
  windshift-triage --check     looks for the programs it needs
  windshift-triage --version`;
/** A request is a few hundred bytes; a flattened commit's message is the longest part, bytes. */
const REQUEST_BYTES_MAX = 1_048_576;
const EXIT_BAD_INPUT = 2;
const PATH = process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin";

main(process.argv.slice(2)).then(
  (exitCode) => process.exit(exitCode),
  (error) => {
    process.stderr.write(
      `${redact(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`,
    );
    process.exit(70);
  },
);

async function main(args: string[]): Promise<number> {
  switch (args.join(" ")) {
    case "":
      return serve();
    case "--version":
      process.stdout.write(`windshift-triage ${buildVersion}\n`);
      return 0;
    case "--check": {
      const report = await checkHost(PATH);
      process.stdout.write(`${report.lines.join("\n")}\n`);
      return report.ok ? 0 : 1;
    }
    default:
      process.stderr.write(`${USAGE}\n`);
      return EXIT_BAD_INPUT;
  }
}

async function serve(): Promise<number> {
  const request = parseRequest(await readStdin());
  if (typeof request === "string") {
    process.stderr.write(`windshift-triage: ${request}\n`);
    return EXIT_BAD_INPUT;
  }
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());
  const progress = (line: string) => void process.stderr.write(`${line}\n`);
  const reply = await triage({ path: PATH, tempRoot: tmpdir(), signal: stop.signal, progress }, request);
  // A patch makes it larger than a pipe holds: the process ends when all of it is through.
  await Bun.write(Bun.stdout, `${JSON.stringify(reply)}\n`);
  return 0;
}

async function readStdin(): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of Bun.stdin.stream()) {
    bytes += chunk.length;
    if (bytes > REQUEST_BYTES_MAX) return "";
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** @returns the request, or in one line why there is none; never a value of it, for it holds a token */
function parseRequest(text: string): TriageRequest | string {
  try {
    const parsed = TriageRequest.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    return `the request on stdin is not valid: ${parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("; ")}`;
  } catch {
    return `the request on stdin is not JSON of at most ${REQUEST_BYTES_MAX} bytes`;
  }
}
