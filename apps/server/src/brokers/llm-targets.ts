import type { LlmTarget, LlmEndpoint as OpenedEndpoint } from "@windshift/llm-broker/llm-target.ts";
import { z } from "zod";
import type { LlmEndpoint } from "../connections/connection.ts";
import type { Queries } from "../db/database.ts";
import { pricesOf } from "../models/model.ts";
import { Grants } from "../runs/grants.ts";

/** Gives a connection's provider with its key in clear; a connection of another workspace is not found. */
export type OpenLlmEndpoint = (connectionId: number, workspaceId: number) => Promise<LlmEndpoint>;

const Provider = z.enum(["openai_compatible", "anthropic"]);

/** What the grants of a run say of models. */
export const Chain = Grants.pick({ llm_connection_id: true, model: true, fallbacks: true });
export type Chain = z.infer<typeof Chain>;

/** The targets of one run as the database has them now. */
export interface FoundTargets {
  /** Equal to those of another moment when nothing about the targets has changed. */
  facts: string;
  /** The model of the run and its fallbacks, in order; without those whose connection is gone. New objects each time. */
  create(): LlmTarget[];
}

/** Reads the targets of runs; what several of them share is read once. For one moment only. */
export class TargetReads {
  private readonly known = new Map<string, Promise<FoundTarget | undefined>>();

  constructor(
    private readonly db: Queries,
    private readonly open: OpenLlmEndpoint,
  ) {}

  async read(workspaceId: number, chain: Chain): Promise<FoundTargets> {
    const found: FoundTarget[] = [];
    for (const { llm_connection_id: id, model } of [chain, ...chain.fallbacks]) {
      const target = await this.readOnce(workspaceId, id, model);
      if (target !== undefined) found.push(target);
    }
    return {
      facts: found.length === 1 ? (found[0]?.facts ?? "") : found.map(({ facts }) => facts).join("\n"),
      create: () => found.map(({ create }) => create()),
    };
  }

  private readOnce(workspaceId: number, id: number, model: string): Promise<FoundTarget | undefined> {
    const name = `${workspaceId} ${id} ${model}`;
    const known = this.known.get(name) ?? readTarget(this.db, { workspaceId, id, model }, this.open);
    this.known.set(name, known);
    return known;
  }
}

interface FoundTarget {
  facts: string;
  create(): LlmTarget;
}

async function readTarget(
  db: Queries,
  { workspaceId, id, model }: { workspaceId: number; id: number; model: string },
  open: OpenLlmEndpoint,
): Promise<FoundTarget | undefined> {
  const row = await db
    .selectFrom("connections")
    .leftJoin("models", (join) =>
      join.onRef("models.connection_id", "=", "connections.id").on("models.model", "=", model),
    )
    .select(["provider", "connections.context_window", "concurrency_max", "images"])
    .select(["models.context_window as model_window", "input_price", "cached_input_price", "output_price"])
    .where("connections.id", "=", id)
    .where("connections.workspace_id", "=", workspaceId)
    .where("connections.kind", "=", "llm")
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const create = (): LlmTarget => ({
    connectionId: id,
    provider: Provider.parse(row.provider),
    model,
    contextWindow: row.model_window ?? row.context_window,
    images: row.images === 1,
    concurrencyMax: row.concurrency_max,
    prices: pricesOf(row),
    open: async () => endpointOf(await open(id, workspaceId)),
  });
  return { facts: JSON.stringify([id, model, row]), create };
}

/** What calls are given, the same object as long as the connection's own is. */
const endpoints = new WeakMap<LlmEndpoint, OpenedEndpoint>();

function endpointOf(opened: LlmEndpoint): OpenedEndpoint {
  const { baseUrl, apiKey = null } = opened;
  const known = endpoints.get(opened) ?? { baseUrl, apiKey };
  endpoints.set(opened, known);
  return known;
}
