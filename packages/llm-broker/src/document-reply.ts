import { AppError } from "@windshift/contract/app-error.ts";
import { readBounded } from "./bounded-read.ts";
import type { CallEnd } from "./call-end.ts";
import type { Deadlines } from "./deadlines.ts";
import type { LlmLimits } from "./llm-limits.ts";
import { secretOf } from "./streamed-reply.ts";

/** A reply that is one JSON document, without the provider's key should it be in there. */
export interface DocumentReply {
  text: string;
  json: unknown;
}

/**
 * Reads a whole reply. It is held in memory up to a limit so that a reply cut short becomes an error and not half a
 * document with status 200.
 * @throws AppError `upstream_failed` when it is cut, not JSON or too long; the reason of `end` when the call was ended
 */
export async function readDocument(
  upstream: Response,
  apiKey: string | null,
  end: CallEnd,
  limits: LlmLimits,
  idle: Deadlines,
): Promise<DocumentReply> {
  const silence = idle.start(() => end.end({ kind: "idle_timeout", ms: limits.idleMsMax }));
  try {
    const read = await readBounded(upstream, limits.documentBytesMax);
    if (read.kind === "too_large") {
      end.end({ kind: "cut" });
      throw tooLong(limits.documentBytesMax);
    }
    return { text: withoutKey(read.text, apiKey), json: parse(read.text) };
  } catch (error) {
    if (error instanceof AppError) throw error;
    end.end({ kind: "cut" });
    throw end.error();
  } finally {
    idle.end(silence);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError(
      "upstream_failed",
      "The model provider's reply is not JSON; an admin must check the address of the LLM connection.",
      { cause: new Error(`${text.length} characters, ${cause instanceof Error ? cause.name : "error"}`) },
    );
  }
}

function tooLong(bytesMax: number): AppError {
  return new AppError("upstream_failed", `The model provider's reply is longer than ${bytesMax} bytes.`);
}

function withoutKey(text: string, apiKey: string | null): string {
  const secret = secretOf(apiKey)?.toString("utf8");
  return secret === undefined ? text : text.replaceAll(secret, "[redacted]");
}
