import type { Picture } from "./tool.ts";

export interface Area {
  width: number;
  height: number;
}
export interface PictureFormat {
  mediaType: Picture["mediaType"];
  /** Pixels; undefined when the bytes do not say. */
  area: Area | undefined;
}

/** What picture a file is, by its first bytes; undefined for any other file. */
export function pictureFormatOf(start: Buffer): PictureFormat | undefined {
  if (start.subarray(0, 8).equals(PNG)) return { mediaType: "image/png", area: areaOr(start, pngArea) };
  if (start[0] === 0xff && start[1] === 0xd8 && start[2] === 0xff)
    return { mediaType: "image/jpeg", area: areaOr(start, jpegArea) };
  if (/^GIF8[79]a$/.test(start.toString("latin1", 0, 6)))
    return { mediaType: "image/gif", area: areaOr(start, gifArea) };
  if (start.toString("latin1", 0, 4) === "RIFF" && start.toString("latin1", 8, 12) === "WEBP")
    return { mediaType: "image/webp", area: areaOr(start, webpArea) };
  return undefined;
}

/**
 * Whether a picture goes to its end. A model's API refuses the whole request for one that is cut off, and would refuse
 * every request after it.
 */
export function isWhole(bytes: Buffer, mediaType: Picture["mediaType"]): boolean {
  switch (mediaType) {
    case "image/png":
      return bytes.lastIndexOf("IEND") > 0;
    case "image/jpeg":
      return bytes.lastIndexOf(JPEG_END) > 0;
    case "image/gif":
      return bytes.lastIndexOf(GIF_END) > 0;
    case "image/webp":
      return bytes.length >= 8 + bytes.readUInt32LE(4);
  }
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const JPEG_END = Buffer.from([0xff, 0xd9]);
/** The end of the last block and the trailer. */
const GIF_END = Buffer.from([0x00, 0x3b]);

/** A header that ends too early, or that says zero, gives no area. */
function areaOr(start: Buffer, read: (start: Buffer) => Area | undefined): Area | undefined {
  try {
    const area = read(start);
    return area !== undefined && area.width > 0 && area.height > 0 ? area : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined; // read past the end
    throw error;
  }
}

function pngArea(start: Buffer): Area {
  return { width: start.readUInt32BE(16), height: start.readUInt32BE(20) };
}

function gifArea(start: Buffer): Area {
  return { width: start.readUInt16LE(6), height: start.readUInt16LE(8) };
}

/** Goes from segment to segment to the one that starts a frame. */
function jpegArea(start: Buffer): Area | undefined {
  for (let at = 2; start.readUInt8(at) === 0xff; ) {
    const marker = start.readUInt8(at + 1);
    if (marker === 0xff)
      at += 1; // padding
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { width: start.readUInt16BE(at + 7), height: start.readUInt16BE(at + 5) };
    else at += 2 + start.readUInt16BE(at + 2);
  }
  return undefined;
}

/** Three formats share the container: lossy, lossless and extended. */
function webpArea(start: Buffer): Area | undefined {
  switch (start.toString("latin1", 12, 16)) {
    case "VP8 ":
      return { width: start.readUInt16LE(26) & 0x3fff, height: start.readUInt16LE(28) & 0x3fff };
    case "VP8L": {
      const bits = start.readUInt32LE(21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8X":
      return { width: start.readUIntLE(24, 3) + 1, height: start.readUIntLE(27, 3) + 1 };
    default:
      return undefined;
  }
}
