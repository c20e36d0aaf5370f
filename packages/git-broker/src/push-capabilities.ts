/**
 * Capabilities of receive-pack that may cross the broker, all others are dropped from the advertisement and refused in a
 * request. Left out on purpose: `push-options`, `push-cert`, `delete-refs` (SECURITY decision 5) and `report-status-v2`,
 * whose report may speak of another ref than the one pushed.
 */
const NAMES = ["report-status", "side-band-64k", "quiet", "atomic", "ofs-delta", "no-thin"] as const;
const VALUED = ["object-format", "agent"] as const;

/** Whether a capability, as `name` or `name=value`, is one of those. */
export function isPushCapability(capability: string): boolean {
  return (
    NAMES.some((name) => name === capability) ||
    VALUED.some((name) => capability.startsWith(`${name}=`) && capability.length > name.length + 1)
  );
}
