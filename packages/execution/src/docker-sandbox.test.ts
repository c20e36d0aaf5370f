import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { sandboxContract } from "@windshift/testing/sandbox-contract.ts";
import { AGENT_GID, AGENT_UID } from "./docker-argv.ts";

sandboxContract("docker", async () => {
  const docker = await dockerFixture();
  return {
    sandbox: docker.sandbox,
    image: docker.image,
    network: docker.network,
    owner: { uid: AGENT_UID, gid: AGENT_GID },
    ownEnv: ["PATH", "HOME", "HOSTNAME", "PWD", "OLDPWD", "SHLVL", "_"],
  };
});
