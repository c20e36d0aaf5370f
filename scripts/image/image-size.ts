import { BASE_LABEL } from "./base-image.ts";
import { inspectImage } from "./docker.ts";

/**
 * What an image of ours adds to the Debian it stands on, bytes unpacked.
 * @throws Error when the image, or the base it was built on, is not on this machine
 */
export async function imageBytesWithoutBase(tag: string): Promise<number> {
  const base = await inspectImage(tag, `{{index .Config.Labels "${BASE_LABEL}"}}`);
  if (!base) throw new Error(`${tag} is not here or names no base; build it with: make image`);
  return (await bytesOf(tag)) - (await bytesOf(base));
}

async function bytesOf(reference: string): Promise<number> {
  const size = await inspectImage(reference, "{{.Size}}");
  if (size === undefined) throw new Error(`the image ${reference} is not on this machine`);
  return Number(size);
}
