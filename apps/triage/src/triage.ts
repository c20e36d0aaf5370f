import { assertNever } from "@windshift/contract/app-error.ts";
import { TriageReply, type TriageRequest } from "@windshift/contract/triage.ts";
import { failed } from "./git-failure.ts";
import { prepare } from "./prepare.ts";
import { push } from "./push.ts";
import type { TriageContext } from "./triage-context.ts";

/** Does one request. What the host or the repository got wrong is a reply; only our own bugs are exceptions. */
export async function triage(context: TriageContext, request: TriageRequest): Promise<TriageReply> {
  try {
    return TriageReply.parse(await run(context, request));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (typeof code !== "string") throw error; // not the operating system's
    const reason = request.op === "prepare" ? "prepare_failed" : "export_failed";
    return failed(
      reason,
      `The host refused: ${(error as Error).message}. Check the folder and the free space.`,
    );
  }
}

function run(context: TriageContext, request: TriageRequest): Promise<TriageReply> {
  switch (request.op) {
    case "prepare":
      return prepare(context, request);
    case "push":
      return push(context, request);
    default:
      return assertNever(request);
  }
}
