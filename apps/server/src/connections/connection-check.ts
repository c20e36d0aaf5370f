import type { ConnectionCheck } from "@windshift/contract/api/connection.ts";
import type { Row } from "../db/schema.ts";
import type { MasterKey } from "../secrets/secret-box.ts";
import { openSecret } from "./connection-secret.ts";

/** What is asked of the network to try a connection. */
export interface ConnectionTrial {
  masterKey: MasterKey;
  /** The guarded way out. */
  outbound(input: string, init?: RequestInit): Promise<Response>;
}

/** How long a model provider may take for its list of models, ms. A person waits for it. */
const MODEL_LIST_MS_MAX = 15_000;
/** The version of the Anthropic API whose headers we speak. */
const ANTHROPIC_VERSION = "2023-06-01";

/** Tries the key of a model provider on its list of models, which costs nothing. Never rejects: what is wrong is its answer. */
export async function checkLlmConnection(
  { masterKey, outbound }: ConnectionTrial,
  row: Row<"connections">,
): Promise<ConnectionCheck> {
  const host = new URL(row.base_url).host;
  const secret = openSecret(masterKey, row);
  const key = secret?.kind === "key" ? secret.key : undefined;
  try {
    const reply = await outbound(`${row.base_url}/v1/models`, {
      headers: keyHeaders(row.provider, key),
      redirect: "manual",
      signal: AbortSignal.timeout(MODEL_LIST_MS_MAX),
    });
    await reply.body?.cancel();
    return judge(reply.status, host, key !== undefined);
  } catch (error) {
    return { ok: false, message: `${host} could not be asked: ${reasonOf(error)}` };
  }
}

function keyHeaders(provider: string, key: string | undefined): Record<string, string> {
  if (provider === "anthropic") {
    return { "anthropic-version": ANTHROPIC_VERSION, ...(key === undefined ? {} : { "x-api-key": key }) };
  }
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

function judge(status: number, host: string, hasKey: boolean): ConnectionCheck {
  if (status >= 200 && status < 300) {
    return {
      ok: true,
      message: hasKey ? `${host} answers and takes the key.` : `${host} answers without a key.`,
    };
  }
  if (status === 401 || status === 403) {
    const what = hasKey ? "refuses the key; give another one" : "asks for a key; give one";
    return { ok: false, message: `${host} ${what}.` };
  }
  if (status === 404 || status === 405) {
    return { ok: true, message: `${host} answers, but has no list of models to try the key on.` };
  }
  if (status >= 300 && status < 400) {
    return { ok: false, message: `${host} sends callers elsewhere; give the address it means.` };
  }
  return { ok: false, message: `${host} answered ${status} when asked for its models.` };
}

function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "it took too long to answer.";
  const text = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
