import { z } from "zod";

/** Numbers of a trace in JSON may be texts, as they are too long for a double. */
const Nanos = z.union([z.string(), z.number()]).transform((value) => Number(BigInt(value) / 1_000_000n));
const Value = z.object({
  stringValue: z.string().optional(),
  intValue: z.union([z.number(), z.string()]).optional(),
  doubleValue: z.number().optional(),
  boolValue: z.boolean().optional(),
});
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .default([])
  .transform((list) =>
    Object.fromEntries(
      list.map(({ key, value }) => [key, Object.values(value).find((v) => v !== undefined)]),
    ),
  );
const Span = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: Nanos,
  endTimeUnixNano: Nanos,
  attributes: Attributes,
  status: z.object({ code: z.int().optional(), message: z.string().optional() }).default({}),
});
/** What an exporter posts to `/v1/traces`. Source: opentelemetry-proto, ExportTraceServiceRequest. */
const ExportRequest = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(Span) })),
    }),
  ),
});

/** A span as it arrived; times in ms. */
export interface ReceivedSpan extends Omit<z.infer<typeof Span>, "startTimeUnixNano" | "endTimeUnixNano"> {
  service: string;
  startMs: number;
  endMs: number;
}

/** An OTLP/HTTP receiver that decodes what it is sent. */
export interface TraceReceiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Whole requests as text, their headers with them. */
  readonly requests: readonly { headers: string; body: string }[];
  stop(): Promise<void>;
}

/** Listens on a free loopback port; 404 everywhere but at `/v1/traces`. */
export function startTraceReceiver(): TraceReceiver {
  const spans: ReceivedSpan[] = [];
  const requests: { headers: string; body: string }[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    routes: {
      "/v1/traces": {
        POST: async (request) => {
          const body = await request.text();
          requests.push({ headers: JSON.stringify([...request.headers]), body });
          spans.push(...decode(body));
          return Response.json({});
        },
      },
    },
    fetch: () => new Response(null, { status: 404 }),
  });
  return { url: `http://127.0.0.1:${server.port}`, spans, requests, stop: () => server.stop(true) };
}

function decode(body: string): ReceivedSpan[] {
  return ExportRequest.parse(JSON.parse(body)).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map(({ startTimeUnixNano: startMs, endTimeUnixNano: endMs, ...span }) => ({
        ...span,
        ...{ startMs, endMs, service: String(resource.attributes["service.name"]) },
      })),
    ),
  );
}
