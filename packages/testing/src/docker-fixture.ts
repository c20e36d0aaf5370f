import { DockerCli, dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import { DockerSandbox, type DockerSandboxOptions } from "@windshift/execution/docker-sandbox.ts";

/** The engine of this machine, ready for tests. */
export interface DockerFixture {
  sandbox: DockerSandbox;
  cli: DockerCli;
  options: DockerSandboxOptions;
  image: string;
  network: string;
}

/** Images tried in this order: any that has a Debian userland will do. */
const IMAGES = ["windshift/agent:local", "windshift/test-base:local"];
const NETWORK = "windshift-test";
/** Small, so that tests of the memory limit are quick. */
export const TEST_MEMORY = "256m";

/** @throws Error saying what is missing: tests with containers never pass by being skipped */
export async function dockerFixture(
  env: Record<string, string | undefined> = process.env,
): Promise<DockerFixture> {
  const cliOptions = { docker: env.CODING_AGENT_DOCKER_BINARY ?? "docker", env: dockerCliEnv(env) };
  const cli = new DockerCli(cliOptions);
  const image = await findImage(cli, env.WINDSHIFT_TEST_IMAGE ? [env.WINDSHIFT_TEST_IMAGE] : IMAGES);
  const network = await cli.call(["network", "inspect", NETWORK]);
  if (network.kind === "failed") await cli.call(["network", "create", NETWORK]);
  const options: DockerSandboxOptions = {
    ...cliOptions,
    limits: { pidsLimit: 512, memory: TEST_MEMORY, cpus: "2" },
    helperImage: image,
    agentImagesOnly: false,
    root: process.getuid?.() === 0,
  };
  return { sandbox: new DockerSandbox(options), cli, options, image, network: NETWORK };
}

async function findImage(cli: DockerCli, images: readonly string[]): Promise<string> {
  for (const image of images)
    if ((await cli.call(["image", "inspect", "--format", "{{.Id}}", image])).kind === "ok") return image;
  throw new Error(
    `container tests need an image (${images.join(" or ")}): run make image, or set WINDSHIFT_TEST_IMAGE`,
  );
}
