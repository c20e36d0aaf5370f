import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { ToolRig } from "../testing/tool-rig.ts";
import { pictureFormatOf } from "./picture-format.ts";
import { readFileTool } from "./tool-read-file.ts";
import { Toolbox } from "./toolbox.ts";
import { Workspace } from "./workspace.ts";

/** Real pictures of one color, 3 x 2 pixels unless said otherwise. */
function png(width = 3, height = 2): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const frame = Buffer.alloc(8 + body.length);
    frame.writeUInt32BE(data.length, 0);
    body.copy(frame, 4);
    frame.writeUInt32BE(Bun.hash.crc32(body), 4 + body.length);
    return frame;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc(Math.min(height * (width + 1), 1_048_576));
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
const GIF = Buffer.from("R0lGODlhAwACAIAAAAAAAP///ywAAAAAAwACAAACAoRRADs=", "base64");
/** Start of image, a comment of 70 bytes, the frame's header, end of image. */
const JPEG = Buffer.concat([
  Buffer.from([0xff, 0xd8, 0xff, 0xfe, 0, 72]),
  Buffer.alloc(70, 0x20),
  Buffer.from([0xff, 0xc0, 0, 11, 8, 0, 2, 0, 3, 1, 1, 0x11, 0, 0xff, 0xd9]),
]);
function webp(kind: string, body: number[]): Buffer {
  const chunk = Buffer.concat([
    Buffer.from(kind, "latin1"),
    Buffer.from([body.length, 0, 0, 0]),
    Buffer.from(body),
  ]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(4 + chunk.length);
  return Buffer.concat([Buffer.from("RIFF", "latin1"), size, Buffer.from("WEBP", "latin1"), chunk]);
}
const WEBP = webp("VP8X", [0, 0, 0, 0, 2, 0, 0, 1, 0, 0]);

describe("a picture's format and size are known from its first bytes:", () => {
  test.each<[string, Buffer, string]>([
    ["PNG", png(), "image/png"],
    ["GIF", GIF, "image/gif"],
    ["JPEG", JPEG, "image/jpeg"],
    ["WebP, extended", WEBP, "image/webp"],
    ["WebP, lossy", webp("VP8 ", [0, 0, 0, 0x9d, 1, 0x2a, 3, 0, 2, 0]), "image/webp"],
    ["WebP, lossless", webp("VP8L", [0x2f, 0x02, 0x40, 0, 0]), "image/webp"],
  ])("%s", (_, bytes, mediaType) => {
    expect(pictureFormatOf(bytes)).toEqual({
      mediaType: mediaType as "image/png",
      area: { width: 3, height: 2 },
    });
  });

  test("a header cut off at any byte is no crash, and never another size", () => {
    for (const bytes of [png(), GIF, JPEG, WEBP])
      for (let length = 0; length < bytes.length; length++) {
        const format = pictureFormatOf(bytes.subarray(0, length));
        if (format?.area !== undefined) expect(format.area).toEqual({ width: 3, height: 2 });
      }
  });
});

describe("reading a picture", () => {
  async function look(bytes: Buffer, images: boolean) {
    using rig = await ToolRig.create();
    rig.images = images;
    writeFileSync(rig.checkout.path("p"), bytes);
    return await rig.call(readFileTool, { path: "p" });
  }

  test.each([
    ["PNG", png()],
    ["GIF", GIF],
    ["JPEG", JPEG],
    ["WEBP", WEBP],
  ])("hands a %s to a model that sees", async (name, bytes) => {
    expect(await look(bytes, true)).toEqual({
      output: `[p is a ${name} image of 3 x 2 pixels, ${bytes.length} bytes]`,
      image: { mediaType: `image/${name.toLowerCase()}` as "image/png", base64: bytes.toString("base64") },
    });
  });

  test("tells one that does not see what it is", async () => {
    const { output, image } = await look(png(), false);
    expect(output).toStartWith(
      `[p is a PNG image of 3 x 2 pixels, ${png().length} bytes; you cannot be shown images`,
    );
    expect(image).toBeUndefined();
  });

  test.each<[string, Buffer, string]>([
    ["cut off, for the model's API would refuse the whole request", png().subarray(0, -8), "but cut off"],
    ["without a size", JPEG.subarray(0, 40), "but damaged"],
    ["of too many bytes", Buffer.concat([png(), Buffer.alloc(3 * 1_048_576)]), "only up to 3145728 bytes"],
    ["of too many pixels", png(8_001, 1), "8000 pixels a side"],
  ])("refuses one %s", async (_, bytes, why) => {
    const { output, image } = await look(bytes, true);
    expect(output).toStartWith("error: p is a ");
    expect(output).toContain(why);
    expect(image).toBeUndefined();
  });

  test("takes a text that begins like a picture for the text it is", async () => {
    expect((await look(Buffer.from("GIF89a is a format\n"), true)).output).toBe("1\tGIF89a is a format");
  });

  test("refuses one that has no room beside those of the same reply, and shows it in the next", async () => {
    using rig = await ToolRig.create();
    writeFileSync(rig.checkout.path("p"), Buffer.concat([png(), Buffer.alloc(2_800_000)]));
    const { outputs, abort } = rig;
    const workspace = Workspace.open(rig.checkout.dir, outputs.dirs);
    const context = { workspace, outputs, images: true, env: () => ({}), signal: abort.signal };
    const toolbox = new Toolbox(context, () => undefined);
    const look = () => toolbox.run({ id: "a", name: "read_file", argsText: '{"path":"p"}' }, "tool_calls");
    toolbox.beginTurn();
    const results = [await look(), await look(), await look()];
    expect(results.map(({ image }) => image !== undefined)).toEqual([true, true, false]);
    expect(results[2]?.output).toStartWith("error: p is a PNG image of 3 x 2 pixels");
    expect(results[2]?.output).toContain("look at it in your next one");
    toolbox.beginTurn();
    expect((await look()).image).toBeDefined();
  });
});
