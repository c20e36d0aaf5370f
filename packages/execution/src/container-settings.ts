import { countSetting, textSetting } from "@windshift/base/setting-schemas.ts";
import type { SettingsTable } from "@windshift/base/settings.ts";

/** What holds for agent containers, on the server's host and on a runner host alike. @param prefix of the variables' names */
export function containerSettings(prefix: "CODING_AGENT" | "WSRUNNER") {
  return {
    network: {
      name: `${prefix}_NETWORK`,
      schema: textSetting
        .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "write the name of a network")
        .default("coding-agent-egress"),
      defaultText: "coding-agent-egress",
      doc: "Network of agent containers. Create it with `docker network create coding-agent-egress`; `bridge` is the open alternative.",
    },
    pidsLimit: {
      name: `${prefix}_PIDS_LIMIT`,
      schema: countSetting(16, 4_194_304).default(512),
      defaultText: "512",
      doc: "Processes per container.",
    },
    memory: {
      name: `${prefix}_MEMORY`,
      schema: textSetting.regex(/^\d+[bkmg]?$/i, "write a size such as 4g").default("4g"),
      defaultText: "4g",
      doc: "Memory per container; there is no swap beside it.",
    },
    cpus: {
      name: `${prefix}_CPUS`,
      schema: textSetting.regex(/^\d+(\.\d+)?$/, "write a number such as 2 or 0.5").default("2"),
      defaultText: "2",
      doc: "Processor time per container.",
    },
    runtime: {
      name: `${prefix}_RUNTIME`,
      schema: textSetting
        .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "write the name of a runtime, such as runsc")
        .optional(),
      defaultText: "unset: the engine's own",
      doc: "Container runtime, such as `runsc` (gVisor).",
    },
  } as const satisfies SettingsTable;
}
