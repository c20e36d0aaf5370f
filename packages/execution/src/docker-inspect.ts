import { z } from "zod";

/** The part of `docker container inspect` that says how a container ended. */
export const ContainerState = z.object({
  Status: z.string(),
  Running: z.boolean(),
  OOMKilled: z.boolean(),
  ExitCode: z.int(),
  Error: z.string().default(""),
});
export type ContainerState = z.infer<typeof ContainerState>;

/** One line of `docker ps --format '{{json .}}'`, with the labels we ask for by template. */
export const ListedContainer = z.object({
  id: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
});
export type ListedContainer = z.infer<typeof ListedContainer>;

/** The part of `docker info` we decide by. Podman has no InitBinary. */
export const EngineInfo = z.object({
  ServerVersion: z.string().optional(),
  InitBinary: z.string().optional(),
});
export type EngineInfo = z.infer<typeof EngineInfo>;

/** Whether the engine says that a thing does not exist, as opposed to not answering. */
export function saysMissing(message: string): boolean {
  return /no such (container|object|image|network)|not found|no container with|image not known/i.test(
    message,
  );
}

/** Whether the command line waited in vain: the engine is there and does nothing. */
export function saysNothing(message: string): boolean {
  return /no answer within/.test(message);
}

/** Parses what the engine printed as JSON. @throws Error when it is something else */
export function parseEngine<T>(schema: z.ZodType<T>, text: string): T {
  return schema.parse(JSON.parse(text));
}
