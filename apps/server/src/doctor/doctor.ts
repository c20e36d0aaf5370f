import type { ServerSettings } from "../config.ts";

/** placeholder until checks exist */
export async function runDoctor(settings: ServerSettings, _env: Record<string, string | undefined>, print: (line: string) => void): Promise<boolean> {
  print(`${settings.baseUrl}`);
  return true;
}
