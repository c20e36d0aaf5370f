import type { FileHandle } from "node:fs/promises";
import { isWhole, pictureFormatOf } from "./picture-format.ts";
import { readStart } from "./text-file.ts";
import { failed, type ToolContext, type ToolResult } from "./tool.ts";

/** The largest picture handed to the model, bytes; a third more as base64, and sent again with every request. */
const PICTURE_BYTES_MAX = 3 * 1_048_576;
/** The longest side of one, pixels. Models refuse larger ones. */
const PICTURE_SIDE_MAX = 8_000;
/** How far the size of a picture is looked for, bytes: a JPEG may have several notes of 64 KiB before it. */
const PICTURE_PROBE_BYTES = 262_144;

/**
 * Shows a picture, or says what it is where the model does not see.
 * @returns undefined when the file is no picture
 */
export async function readPicture(
  { file, size, path }: { file: FileHandle; size: number; path: string },
  { images, pictures }: Pick<ToolContext, "images" | "pictures">,
): Promise<ToolResult | undefined> {
  const format = pictureFormatOf(await readStart(file, Math.min(size, PICTURE_PROBE_BYTES)));
  if (format === undefined) return undefined;
  const { mediaType, area } = format;
  const name = mediaType.slice("image/".length).toUpperCase();
  const about = `${path} is a ${name} image${area === undefined ? "" : ` of ${area.width} x ${area.height} pixels`}, ${size} bytes`;
  if (!images)
    return { output: `[${about}; you cannot be shown images: use bash for what else is to be known of it]` };
  if (area === undefined) return failed(`${about}, but damaged`);
  if (size > PICTURE_BYTES_MAX || Math.max(area.width, area.height) > PICTURE_SIDE_MAX)
    return failed(
      `${about}; only up to ${PICTURE_BYTES_MAX} bytes and ${PICTURE_SIDE_MAX} pixels a side can be shown`,
    );
  const bytes = await readStart(file, size);
  if (!isWhole(bytes, mediaType)) return failed(`${about}, but cut off`);
  if (!pictures.take(size))
    return failed(`${about}; with those of this reply it is too much: look at it in your next one`);
  return { output: `[${about}]`, image: { mediaType, base64: bytes.toString("base64") } };
}
