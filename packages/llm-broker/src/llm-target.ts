/** How a provider is spoken to: the shape of requests, replies and credentials. */
export type LlmProvider = "openai_compatible" | "anthropic";

/** Where calls go and with what credential; from the stored connection alone. */
export interface LlmEndpoint {
  /** A root; `/v1/chat/completions` or `/v1/messages` is added to it. */
  baseUrl: string;
  /** Null when the provider asks for none. */
  apiKey: string | null;
}

/** Micro-dollars for a million tokens. */
export interface ModelPrices {
  input: number;
  cachedInput: number;
  output: number;
}

/** One model of one connection that a run may use. */
export interface LlmTarget {
  connectionId: number;
  provider: LlmProvider;
  /** The only model that is ever sent there. */
  model: string;
  /** Tokens; null when nobody said. */
  contextWindow: number | null;
  /** Whether pictures may be sent. */
  images: boolean;
  /** Calls at once over this connection, of all runs of this server process; null for no limit. */
  concurrencyMax: number | null;
  /** Null when nobody entered them: the call then counts as tokens only. */
  prices: ModelPrices | null;
  /** Opens the address and the key when a call is about to go there; so a changed key holds from the next call on. */
  open(): Promise<LlmEndpoint>;
}
