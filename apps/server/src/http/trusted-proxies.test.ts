import { expect, test } from "bun:test";
import { parseProxies, TrustedProxies } from "./trusted-proxies.ts";

const proxies = new TrustedProxies(["172.18.0.0/16", "10.0.0.2", "fd00::/8"]);

test("WB-23 without a trusted proxy no header says where a request came from", () => {
  expect(new TrustedProxies().clientOf("203.0.113.9", "198.51.100.1")).toBe("203.0.113.9");
  expect(proxies.clientOf("203.0.113.9", "198.51.100.1")).toBe("203.0.113.9");
});

test("WB-23 behind trusted proxies it is the last address that is none of them, whatever a caller wrote before", () => {
  for (const [peer, header, client] of [
    ["172.18.0.5", "198.51.100.1", "198.51.100.1"],
    ["::ffff:172.18.0.5", "198.51.100.1", "198.51.100.1"],
    ["172.18.0.5", "127.0.0.1, 198.51.100.1", "198.51.100.1"],
    ["172.18.0.5", "198.51.100.1, 10.0.0.2", "198.51.100.1"],
    ["172.18.0.5", "10.0.0.2", "10.0.0.2"],
    ["fd00::1", "[2001:db8::7]:4711", "2001:db8::7"],
    ["172.18.0.5", "198.51.100.1:5000", "198.51.100.1"],
    // Nothing that is no address counts, and nothing before it.
    ["172.18.0.5", "198.51.100.1, unknown", "172.18.0.5"],
    ["172.18.0.5", null, "172.18.0.5"],
    ["172.18.0.5", "", "172.18.0.5"],
  ] as const)
    expect([peer, header, proxies.clientOf(peer, header)]).toEqual([peer, header, client]);
});

test("ranges are addresses and networks, and anything else is named", () => {
  expect(parseProxies(["10.0.0.2", "172.18.0.0/16", "fd00::/8", "::1"])).toHaveProperty("ranges");
  for (const bad of [
    "proxy.lan",
    "10.0.0.0/33",
    "10.0.0/8",
    "fd00::/129",
    "10.0.0.2/8/8",
    "10.0.0.2:80",
    "*",
  ])
    expect(parseProxies(["10.0.0.2", bad])).toEqual({ bad });
});
