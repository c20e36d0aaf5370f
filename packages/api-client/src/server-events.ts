import { LineSplitter } from "@windshift/base/jsonl.ts";

/** One server-sent event. `id` is empty when the server gave none. */
export interface ServerEvent {
  event: string;
  id: string;
  data: string;
}

/** One line of a stream, bytes: an event of a transcript is far below it. */
const LINE_BYTES_MAX = 4 * 1_048_576;

/** Reads an event stream (the WHATWG format, without reconnecting). */
export async function* readServerEvents(stream: ReadableStream<Uint8Array>): AsyncIterable<ServerEvent> {
  const lines = new LineSplitter(LINE_BYTES_MAX);
  let fields = { event: "message", id: "", data: [] as string[] };
  for await (const chunk of stream) {
    for (const line of lines.push(chunk)) {
      if (line.kind === "too_long") throw new Error(`a line of ${line.bytes} bytes in an event stream`);
      if (line.text !== "") {
        takeField(fields, line.text);
        continue;
      }
      if (fields.data.length > 0) yield { ...fields, data: fields.data.join("\n") };
      fields = { event: "message", id: "", data: [] };
    }
  }
}

function takeField(fields: { event: string; id: string; data: string[] }, line: string): void {
  const colon = line.indexOf(":");
  if (colon === 0) return;
  const name = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "event") fields.event = value;
  else if (name === "id") fields.id = value;
  else if (name === "data") fields.data.push(value);
}
