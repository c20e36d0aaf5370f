import {
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { EndedSpan, Tracing, TracingOptions } from "./tracing.ts";

/** Longest a span waits for others to be sent with it, ms. */
const BATCH_WAIT_MS = 1_000;
/** Spans of one request. */
const BATCH_SPANS_MAX = 512;
/** Spans that wait: what comes beyond is dropped, so a receiver that is away costs little memory. */
const WAITING_SPANS_MAX = 8_192;
/** One request to the receiver, ms; a program that ends waits no longer for its last spans. */
const SEND_MS_MAX = 5_000;

/** Sends spans as OTLP over HTTP, in JSON, by OpenTelemetry's own packages. */
export class OtlpTracing implements Tracing {
  private readonly provider: TracerProvider;
  private readonly tracer: Tracer;
  /** Ids of the span that is made now: they are given, not drawn. */
  private next = { traceId: "", spanId: "" };

  constructor(options: TracingOptions & { endpoint: string }) {
    diag.setLogger(problemsTo(options.onProblem), {
      logLevel: DiagLogLevel.WARN,
      suppressOverrideMessage: true,
    });
    const exporter = new OTLPTraceExporter({
      url: `${options.endpoint.replace(/\/+$/, "")}/v1/traces`,
      headers: options.headers,
      timeoutMillis: SEND_MS_MAX,
    });
    this.provider = new TracerProvider({
      resource: resourceFromAttributes({
        "service.name": options.service,
        "service.version": options.version,
        "service.instance.id": options.instance,
      }),
      idGenerator: {
        generateTraceId: () => this.next.traceId,
        generateSpanId: () => this.next.spanId,
      },
      spanProcessors: [
        new BatchSpanProcessor({
          exporter,
          scheduledDelayMillis: BATCH_WAIT_MS,
          maxExportBatchSize: BATCH_SPANS_MAX,
          maxQueueSize: WAITING_SPANS_MAX,
          exportTimeoutMillis: SEND_MS_MAX,
        }),
      ],
    });
    this.tracer = this.provider.getTracer("windshift", options.version);
  }

  ended({ name, traceId, spanId, parentId, startMs, endMs, attributes, failed }: EndedSpan): void {
    this.next = { traceId, spanId };
    const parent = { traceId, spanId: parentId ?? "", traceFlags: TraceFlags.SAMPLED, isRemote: true };
    const context = parentId === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const span = this.tracer.startSpan(
      name,
      { kind: SpanKind.INTERNAL, startTime: startMs, attributes },
      context,
    );
    if (failed !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failed });
    span.end(Math.max(startMs, endMs));
  }

  async close(): Promise<void> {
    await this.provider.shutdown().catch(() => undefined);
  }
}

function problemsTo(onProblem: (message: string) => void) {
  const tell = (message: string) => onProblem(message);
  const ignore = () => undefined;
  return { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
}
