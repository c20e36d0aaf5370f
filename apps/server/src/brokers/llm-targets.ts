import type { LlmTarget, LlmEndpoint as OpenedEndpoint } from "@windshift/llm-broker/llm-target.ts";
import { z } from "zod";
import type { LlmEndpoint } from "../connections/connection.ts";
import type { Queries } from "../db/database.ts";
import { pricesOf } from "../models/model.ts";
import { findModelRow } from "../models/model-store.ts";
import type { Grants } from "../runs/grants.ts";

/** Gives a connection's provider with its key in clear; a connection of another workspace is not found. */
export type OpenLlmEndpoint = (connectionId: number, workspaceId: number) => Promise<LlmEndpoint>;

const Provider = z.enum(["openai_compatible", "anthropic"]);

type Chain = Pick<Grants, "llm_connection_id" | "model" | "fallbacks">;

/** Reads the targets of runs; what several of them share is read once. For one moment only. */
export class TargetReads {
  private readonly known = new Map<string, Promise<LlmTarget | undefined>>();

  constructor(
    private readonly db: Queries,
    private readonly open: OpenLlmEndpoint,
  ) {}

  /** The model of a run and its fallbacks, in order; without those whose connection is gone. No two runs get the same objects. */
  async read(workspaceId: number, grants: Chain): Promise<LlmTarget[]> {
    const targets: LlmTarget[] = [];
    for (const { llm_connection_id: id, model } of [grants, ...grants.fallbacks]) {
      const target = await this.readOnce(workspaceId, { id, model });
      if (target !== undefined) targets.push({ ...target });
    }
    return targets;
  }

  private readOnce(
    workspaceId: number,
    which: { id: number; model: string },
  ): Promise<LlmTarget | undefined> {
    const name = `${workspaceId} ${which.id} ${which.model}`;
    const known = this.known.get(name) ?? readTarget(this.db, workspaceId, which, this.open);
    this.known.set(name, known);
    return known;
  }
}

async function readTarget(
  db: Queries,
  workspaceId: number,
  { id, model }: { id: number; model: string },
  open: OpenLlmEndpoint,
): Promise<LlmTarget | undefined> {
  const connection = await db
    .selectFrom("connections")
    .select(["provider", "context_window", "concurrency_max"])
    .where("id", "=", id)
    .where("workspace_id", "=", workspaceId)
    .where("kind", "=", "llm")
    .executeTakeFirst();
  if (connection === undefined) return undefined;
  const facts = await findModelRow(db, id, model);
  return {
    connectionId: id,
    provider: Provider.parse(connection.provider),
    model,
    contextWindow: facts?.context_window ?? connection.context_window,
    images: facts?.images === 1,
    concurrencyMax: connection.concurrency_max,
    prices: pricesOf(facts),
    open: async () => endpointOf(await open(id, workspaceId)),
  };
}

/** What calls are given, the same object as long as the connection's own is. */
const endpoints = new WeakMap<LlmEndpoint, OpenedEndpoint>();

function endpointOf(opened: LlmEndpoint): OpenedEndpoint {
  const { baseUrl, apiKey = null } = opened;
  const known = endpoints.get(opened) ?? { baseUrl, apiKey };
  endpoints.set(opened, known);
  return known;
}
