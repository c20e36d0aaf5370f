import { createHash, randomBytes } from "node:crypto";

/** A span that has ended. It says what happened and how long it took, and holds no secret and nothing that people wrote. */
export interface EndedSpan {
  name: string;
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  spanId: string;
  /** The span it is a part of; undefined for the first of a trace. */
  parentId: string | undefined;
  /** ms since 1970. */
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number | boolean>;
  /** Why it failed, in a word of a closed list; undefined when it did not. */
  failed?: string | undefined;
}

/** Where spans go. Real: otlp-tracing.ts. */
export interface Tracing {
  ended(span: EndedSpan): void;
  /** Sends what is left, within a few seconds, and ends. */
  close(): Promise<void>;
}

export interface TracingOptions {
  /** Root address of an OTLP/HTTP receiver, such as `http://localhost:4318`; undefined turns tracing off. */
  endpoint: string | undefined;
  /** Of every request to it, such as a key. */
  headers: Record<string, string>;
  /** `service.name` of all spans. */
  service: string;
  version: string;
  /** Names this process among several of the service. */
  instance: string;
  /** Told what went wrong on the way to the receiver. */
  onProblem(message: string): void;
}

/** What the spans of one program are sent by; undefined without an address. Its packages are loaded only with one. */
export async function openTracing(options: TracingOptions): Promise<Tracing | undefined> {
  if (options.endpoint === undefined) return undefined;
  const { OtlpTracing } = await import("./otlp-tracing.ts");
  return new OtlpTracing({ ...options, endpoint: options.endpoint });
}

export interface TraceContext {
  traceId: string;
  spanId: string;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** Version 00 of the header of W3C Trace Context, sampled. */
export function formatTraceparent({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** Reads the header of W3C Trace Context. @returns undefined for anything else, and for ids of zeros alone */
export function parseTraceparent(text: string): TraceContext | undefined {
  const [, traceId, spanId] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId))
    return undefined;
  return { traceId, spanId };
}

/** An id that is the same wherever it is made of the same words. @param hexChars 32 for a trace, 16 for a span */
export function idOf(hexChars: 16 | 32, ...words: (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(words)).digest("hex").slice(0, hexChars);
}

/** 16 hexadecimal digits that nobody else has. */
export function newSpanId(): string {
  return randomBytes(8).toString("hex");
}
