import { isFetchCapability } from "./fetch-capabilities.ts";
import type { GitGrant } from "./git-grant.ts";
import { gitProtocol } from "./git-protocol.ts";
import type { GitService, UpstreamReply } from "./git-upstream.ts";
import { PktBroken } from "./pkt-units.ts";
import { isPushCapability } from "./push-capabilities.ts";
import { filterAdvertisement, type ShownRefs } from "./ref-filter.ts";
import { NOT_LIVE, refusal } from "./refusal.ts";
import type { PushTips, ShownTips } from "./shown-tips.ts";
import { passedOn } from "./upstream-reply.ts";

/** Answers `info/refs`, cut to the refs of the grant and to the capabilities the broker takes. */
export async function advertise(
  request: Request,
  service: GitService,
  grant: GitGrant,
  tips: { shown: ShownTips; push: PushTips },
): Promise<Response> {
  if (!(await grant.isLive())) return refusal(403, NOT_LIVE);
  if (service === "git-receive-pack") grant.inspector?.warm?.();
  const protocol = service === "git-receive-pack" ? undefined : gitProtocol(request);
  const reply = await grant.upstream.advertise(service, protocol, request.signal);
  return passedOn(reply, `application/x-${service}-advertisement`, async () => {
    const shown = await shownRefs(reply, service, grant);
    if (shown === undefined) return undefined;
    if (service === "git-upload-pack") tips.shown.add(grant, shown.oids);
    else tips.push.add(grant, shown.tips.get(grant.ref) ?? null);
    return new Blob([new Uint8Array(shown.bytes)]).stream();
  });
}

/** What the upstream's refs point at now, as far as the grant shows them. Undefined when it cannot be told. */
export async function readTips(grant: GitGrant, signal: AbortSignal): Promise<string[] | undefined> {
  const reply = await grant.upstream.advertise("git-upload-pack", undefined, signal);
  if (reply.status === 200) return (await shownRefs(reply, "git-upload-pack", grant))?.oids;
  await reply.body.cancel();
  return undefined;
}

/**
 * Where the run's branch stands now, null when there is none. Undefined when it cannot be told.
 * @throws AppError `upstream_failed`
 */
export async function readPushTip(grant: GitGrant, signal: AbortSignal): Promise<string | null | undefined> {
  const reply = await grant.upstream.advertise("git-receive-pack", undefined, signal);
  if (reply.status === 200) {
    const shown = await shownRefs(reply, "git-receive-pack", grant);
    return shown === undefined ? undefined : (shown.tips.get(grant.ref) ?? null);
  }
  await reply.body.cancel();
  return undefined;
}

async function shownRefs(
  reply: UpstreamReply,
  service: GitService,
  grant: GitGrant,
): Promise<ShownRefs | undefined> {
  const shown = service === "git-receive-pack" ? isPushCapability : isFetchCapability;
  const refs = service === "git-receive-pack" ? [...grant.fetchRefs, grant.ref] : grant.fetchRefs;
  try {
    return await filterAdvertisement(reply.body, service, refs, shown);
  } catch (error) {
    if (error instanceof PktBroken) return undefined;
    throw error;
  }
}
