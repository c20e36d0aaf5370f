import { z } from "zod";

/** As much of a Compose file as ours has; a key that is not known here is a test that would leave it out, so it is refused. */
const Service = z.strictObject({
  image: z.string(),
  user: z.string().optional(),
  ports: z.array(z.string()).default([]),
  restart: z.literal("unless-stopped"),
  stop_grace_period: z.string(),
  environment: z.record(z.string(), z.string()),
  volumes: z.array(z.string()),
  read_only: z.boolean(),
  tmpfs: z.array(z.string()),
  cap_drop: z.array(z.string()),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.array(z.string()),
});
export type ComposeService = z.infer<typeof Service>;
const ComposeFile = z.strictObject({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()).default({}),
});

/**
 * The one service of a Compose file, with its variables filled in as Compose does it.
 * @throws Error with the file's own words when a variable that must be set is not
 */
export function composeService(text: string, env: Record<string, string>): ComposeService {
  const fill = (value: string) =>
    value.replace(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name: string, kind: string, rest: string) => {
      if (env[name]) return env[name];
      if (kind === "?") throw new Error(`${name}: ${rest}`);
      return rest;
    });
  const { services } = ComposeFile.parse(Bun.YAML.parse(text));
  const [service, ...more] = Object.values(services);
  if (service === undefined || more.length > 0) throw new Error("the file has one service");
  const environment = Object.entries(service.environment).map(([name, value]) => [name, fill(value)]);
  return { ...service, image: fill(service.image), environment: Object.fromEntries(environment) };
}

/** What Compose would give to `docker run`, but for ports; values of variables are not among it. */
export function composeArgv(service: ComposeService): string[] {
  const each = (flag: string, values: readonly string[]) => values.flatMap((value) => [flag, value]);
  return [
    ...each("--env", Object.keys(service.environment)),
    ...each("--volume", service.volumes),
    ...(service.user === undefined ? [] : ["--user", service.user]),
    ...(service.read_only ? ["--read-only"] : []),
    ...each("--tmpfs", service.tmpfs),
    ...each("--cap-drop", service.cap_drop),
    ...each("--cap-add", service.cap_add),
    ...each("--security-opt", service.security_opt),
    service.image,
  ];
}
