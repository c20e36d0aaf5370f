import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { MintedRegistrationToken, Pool } from "@windshift/contract/api/pool.ts";
import { ApiTokenWithSecret } from "@windshift/contract/api/token.ts";
import { RegisterReply } from "@windshift/contract/runner.ts";
import type { PlantedSecrets } from "./planted-secrets.ts";

/** Files of this machine that no run may read. */
export interface HostSecrets {
  /** Everybody on the host may read it. */
  hostFile: string;
  /** Holds a credential that works. */
  runnerCredentialFile: string;
}

/** Puts secrets on this machine and makes a credential of every kind, none of them for runs. */
export async function plantOnHost(
  api: ApiClient,
  { dir, dataDir, url, secrets }: { dir: string; dataDir: string; url: string; secrets: PlantedSecrets },
): Promise<HostSecrets> {
  const hostFile = join(dir, "everybody-may-read");
  writeFileSync(hostFile, secrets.plant("file of the host"));
  chmodSync(hostFile, 0o644);
  secrets.add("key of the server", (await Bun.file(join(dataDir, "secret-key")).text()).trim());
  const person = await api.post("/api/v1/tokens", { name: "x", scopes: ["admin"] }, ApiTokenWithSecret);
  secrets.add("token of a person", person.token);
  const runnerCredentialFile = join(dir, "credential");
  writeFileSync(runnerCredentialFile, await registerRunner(api, url, secrets));
  return { hostFile, runnerCredentialFile };
}

async function registerRunner(api: ApiClient, url: string, secrets: PlantedSecrets): Promise<string> {
  const pool = await api.post("/api/v1/admin/pools", { name: "hosts" }, Pool);
  const at = `/api/v1/admin/pools/${pool.id}/registration-tokens`;
  const { token } = await api.post(at, {}, MintedRegistrationToken);
  secrets.add("registration token", token);
  const request = { registration_token: token, name: "host", nonce: "0".repeat(32) };
  const { credential } = await new ApiClient(url).post("/api/runner/register", request, RegisterReply);
  secrets.add("credential of a runner", credential);
  return credential;
}
