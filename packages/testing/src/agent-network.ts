import { DockerCli, dockerCliEnv } from "@windshift/execution/docker-cli.ts";

/** A network for agent containers that reaches this machine and nothing else. */
export interface AgentNetwork {
  name: string;
  /** This machine's address on it: where containers find a server that listens everywhere. */
  hostAddress: string;
}

/** Finds the network, or makes it (`--internal`: no way out but to this machine). @throws Error when the engine refuses */
export async function ensureAgentNetwork(
  name: string,
  env: Record<string, string | undefined>,
): Promise<AgentNetwork> {
  const cli = new DockerCli({ docker: env.CODING_AGENT_DOCKER_BINARY ?? "docker", env: dockerCliEnv(env) });
  const gateway = ["network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", name];
  let answer = await cli.call(gateway);
  if (answer.kind === "failed") {
    const made = await cli.call(["network", "create", "--internal", name]);
    answer = await cli.call(gateway);
    if (answer.kind === "failed")
      throw new Error(
        `the network ${name} cannot be made: ${made.kind === "failed" ? made.message : answer.message}`,
      );
  }
  const hostAddress = answer.stdout.trim();
  if (hostAddress === "")
    throw new Error(`the network ${name} has no gateway; remove it with \`docker network rm ${name}\``);
  return { name, hostAddress };
}
