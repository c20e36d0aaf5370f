import { statfs } from "node:fs/promises";

/** What the disk of a host's checkouts keeps for all who write to it, bytes: commits, logs and spools go on for hours with that. */
const DISK_FLOOR_BYTES = 1_073_741_824;
/** The same, files and folders: a hundred checkouts of middle size. */
const DISK_FLOOR_FILES = 100_000;
/** Of a disk on which that would be much, this share of all of it. */
const DISK_FLOOR_SHARE = 0.05;

/** What a disk has left, and below what it is nearly full. */
export interface DiskRoom {
  bytes: number;
  files: number;
  bytesFloor: number;
  filesFloor: number;
}

/** Of the file system of a folder; without end where that cannot be asked. File systems that do not count files have room for them. */
export async function roomOn(dir: string): Promise<DiskRoom> {
  return statfs(dir).then(
    ({ bavail, bsize, blocks, ffree, files }) => ({
      bytes: bavail * bsize,
      files: ffree,
      bytesFloor: Math.min(DISK_FLOOR_BYTES, DISK_FLOOR_SHARE * blocks * bsize),
      filesFloor: Math.min(DISK_FLOOR_FILES, DISK_FLOOR_SHARE * files),
    }),
    () => ({
      bytes: Number.POSITIVE_INFINITY,
      files: Number.POSITIVE_INFINITY,
      bytesFloor: 0,
      filesFloor: 0,
    }),
  );
}

/** Whether bytes or files are below their floor. */
export function isLow({ bytes, files, bytesFloor, filesFloor }: DiskRoom): boolean {
  return bytes < bytesFloor || files < filesFloor;
}
