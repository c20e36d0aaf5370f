import { type DiskRoom, isLow } from "./disk-room.ts";
import type { DiskSize } from "./disk-use.ts";

/** Told to the run that is ended so that the others go on. */
type Oust = (use: DiskSize, room: DiskRoom) => void;

interface Share {
  oust: Oust;
  /** Since the disk is nearly full, or since the last run was ended for it. */
  use: DiskSize | undefined;
}

/**
 * What each run of a host takes of a disk that is nearly full, so that the one that takes the most is ended while the others have room
 * left. One for all of them.
 */
export class DiskShares {
  private readonly shares = new Map<string, Share>();

  /** A run begins to write into `dir`. @returns what to call when it has ended */
  enter(dir: string, oust: Oust): () => void {
    this.shares.set(dir, { oust, use: undefined });
    return () => void this.shares.delete(dir);
  }

  /**
   * What a look at `dir` and its disk found. When all runs were looked at since the disk is nearly full, the one that takes the most of
   * what is short is ended, if that makes enough room: on a disk that something else has filled nobody is.
   */
  note(dir: string, use: DiskSize, room: DiskRoom): void {
    if (!isLow(room)) {
      this.forgetUse();
      return;
    }
    const own = this.shares.get(dir);
    if (own !== undefined) own.use = use;
    const short = room.bytes < room.bytesFloor ? "bytes" : "files";
    let most: { share: Share; use: DiskSize } | undefined;
    for (const share of this.shares.values()) {
      if (share.use === undefined) return;
      if (most === undefined || share.use[short] > most.use[short]) most = { share, use: share.use };
    }
    this.forgetUse();
    const enough = short === "bytes" ? room.bytesFloor : room.filesFloor;
    if (most !== undefined && most.use[short] >= enough) most.share.oust(most.use, room);
  }

  private forgetUse(): void {
    for (const share of this.shares.values()) share.use = undefined;
  }
}
