import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { sandboxContract } from "@windshift/testing/sandbox-contract.ts";
import { z } from "zod";
import { AGENT_GID, AGENT_UID } from "./docker-argv.ts";

sandboxContract("docker", async () => {
  const docker = await dockerFixture();
  const image = await docker.cli.call(["image", "inspect", "--format", "{{json .Config.Env}}", docker.image]);
  if (image.kind === "failed") throw new Error(image.message);
  const imageEnv = z.array(z.string()).nullable().parse(JSON.parse(image.stdout)) ?? [];
  return {
    sandbox: docker.sandbox,
    image: docker.image,
    network: docker.network,
    owner: { uid: AGENT_UID, gid: AGENT_GID },
    ownEnv: [
      "PATH",
      "HOME",
      "HOSTNAME",
      "PWD",
      "OLDPWD",
      "SHLVL",
      "_",
      ...imageEnv.map((pair) => pair.replace(/=.*/s, "")),
    ],
  };
});
