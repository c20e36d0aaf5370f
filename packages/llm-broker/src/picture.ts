import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import { PICTURE_BYTES_MAX } from "./llm-limits.ts";

const MEDIA_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const;
export const MediaType = z.enum(MEDIA_TYPES);

const TOO_LARGE = `a picture takes at most ${PICTURE_BYTES_MAX} bytes of base64`;

/** The picture itself in base64. */
export const PictureData = z
  .string()
  .max(PICTURE_BYTES_MAX, TOO_LARGE)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/, "must be base64");

/** Only the picture itself: an address would make the provider fetch it, which is a way out (LB-16). */
export const PictureUrl = z
  .string()
  .max(PICTURE_BYTES_MAX, TOO_LARGE)
  .regex(
    new RegExp(`^data:(?:${MEDIA_TYPES.join("|")});base64,[A-Za-z0-9+/]+={0,2}$`),
    "must be a data: URL of a PNG, JPEG, GIF or WebP in base64; addresses may not be sent",
  );

/** @throws AppError `invalid_input` when there are pictures and the model is not set up to see */
export function refuseUnseen(pictures: readonly string[], path: string, mayBeSent: boolean): void {
  if (mayBeSent || pictures.length === 0) return;
  throw new AppError(
    "invalid_input",
    `The request body was refused: ${path}: pictures may not be sent to this run's model; an admin can allow them for the model.`,
  );
}
