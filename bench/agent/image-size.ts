import { z } from "zod";
import { LOCAL_BASE } from "../../scripts/image/base-image.ts";
import { inspectImage } from "../../scripts/image/docker.ts";

/** What the image may have been built on. */
const BASES = ["debian:bookworm-slim", LOCAL_BASE];
const Layers = z.array(z.string()).min(1);

/**
 * What an image adds to the Debian image it was built on, as the engine counts it (not compressed); MB (10⁶ bytes).
 * @throws Error when its base is not here any more
 */
export async function addedSizeMb(image: string): Promise<number> {
  const own = await layersOf(image);
  for (const base of BASES) {
    const below = await layersOf(base);
    if (own !== undefined && below?.every((layer, at) => layer === own[at]))
      return ((await sizeOf(image)) - (await sizeOf(base))) / 1e6;
  }
  throw new Error(`the base of ${image} is not here; build the image anew`);
}

async function layersOf(image: string): Promise<string[] | undefined> {
  const text = await inspectImage(image, "{{json .RootFS.Layers}}");
  return text === undefined ? undefined : Layers.parse(JSON.parse(text));
}

async function sizeOf(image: string): Promise<number> {
  return z.coerce
    .number()
    .positive()
    .parse(await inspectImage(image, "{{.Size}}"));
}
