import { freePort } from "../setup/free-port.ts";

/** Port people expect. */
const USUAL_PORT = 8080;

/** The usual port when nobody has it, else any free one. */
export async function demoPort(): Promise<number> {
  try {
    Bun.listen({ hostname: "0.0.0.0", port: USUAL_PORT, socket: { data() {} } }).stop(true);
    return USUAL_PORT;
  } catch {
    return freePort();
  }
}
