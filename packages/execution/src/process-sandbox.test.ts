import { tmpdir } from "node:os";
import { sandboxContract } from "@windshift/testing/sandbox-contract.ts";
import { ProcessSandbox } from "./process-sandbox.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

sandboxContract("plain process", async () => ({
  sandbox: new ProcessSandbox({ commands: {}, path: PATH, homeRoot: tmpdir() }),
  image: "none",
  network: "none",
  owner: null,
  ownEnv: ["PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "_", "WINDSHIFT_WORKSPACE", "WINDSHIFT_SANDBOX"],
}));
