import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import type { Architecture } from "../build/programs.ts";
import { childEnv } from "../setup/child-env.ts";

/** An image of one layer, as it is to be known. */
export interface ImageOfOneLayer {
  /** The tar of its tree; moved into the archive's folder. */
  layer: string;
  tag: string;
  architecture: Architecture;
  labels: Readonly<Record<string, string>>;
  comment: string;
}

const WRITE_MS_MAX = 300_000;

/**
 * Writes what `docker load` and `podman load` read (Docker's image specification 1.2): a list, a configuration, the layer.
 * @param archive the file to write; a folder of the same name with `.parts` is made beside it
 * @throws Error with the words of tar
 */
export async function imageArchive(image: ImageOfOneLayer, archive: string): Promise<void> {
  const parts = `${archive}.parts`;
  mkdirSync(parts);
  const diffId = await sha256Of(image.layer);
  renameSync(image.layer, join(parts, "layer.tar"));
  const config = JSON.stringify({
    architecture: image.architecture,
    os: "linux",
    created: new Date().toISOString(),
    config: { Cmd: ["bash"], Labels: image.labels },
    rootfs: { type: "layers", diff_ids: [`sha256:${diffId}`] },
    history: [{ created: new Date().toISOString(), comment: image.comment }],
  });
  const name = `${new Bun.CryptoHasher("sha256").update(config).digest("hex")}.json`;
  writeFileSync(join(parts, name), config);
  const manifest = [{ Config: name, RepoTags: [image.tag], Layers: ["layer.tar"] }];
  writeFileSync(join(parts, "manifest.json"), JSON.stringify(manifest));
  const written = await exec(["tar", "-C", parts, "-cf", archive, "manifest.json", name, "layer.tar"], {
    env: childEnv(),
    timeoutMs: WRITE_MS_MAX,
  });
  if (written.exitCode !== 0) throw new Error(`tar failed: ${written.stderr.trim()}`);
}

async function sha256Of(file: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(file).stream()) hash.update(chunk);
  return hash.digest("hex");
}
