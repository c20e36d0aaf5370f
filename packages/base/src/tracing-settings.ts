import { z } from "zod";
import type { SettingsTable } from "./settings.ts";

/** Pairs such as `api-key=abc,x-team=agents`, as OpenTelemetry writes them; values are percent-decoded. */
const headers = z
  .string()
  .default("")
  .transform((text, context) => {
    const pairs = text.split(",").filter((pair) => pair.trim() !== "");
    const parsed = pairs.map((pair) => /^\s*([A-Za-z0-9-]+)\s*=\s*([!-~]*)\s*$/.exec(pair));
    if (parsed.every((pair) => pair !== null))
      return Object.fromEntries(parsed.map(([, name = "", value = ""]) => [name, decoded(value)]));
    context.addIssue("write name=value, several of them separated by commas");
    return z.NEVER;
  });

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Variables of the programs that send traces. The names are OpenTelemetry's own. */
export const tracingSettings = {
  traceEndpoint: {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    schema: z
      .url({
        protocol: /^https?$/,
        message: "write the receiver's address without /v1/traces, such as http://localhost:4318",
      })
      .optional(),
    defaultText: "unset: no traces",
    doc: "Receiver of traces (OTLP over HTTP, JSON), such as an OpenTelemetry collector: one trace for each run, from its assignment to its pull request. See telemetry.md.",
  },
  traceHeaders: {
    name: "OTEL_EXPORTER_OTLP_HEADERS",
    schema: headers,
    defaultText: "none",
    doc: "Headers of every request to the receiver: `name=value`, separated by commas.",
    secret: true,
  },
} as const satisfies SettingsTable;
