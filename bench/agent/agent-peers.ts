import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure } from "../figure.ts";
import { inTurn } from "../measure.ts";
import { AGENT_METRICS } from "./agent.ts";
import { withAgentRig } from "./bench-place.ts";
import type { Harness } from "./harness.ts";
import { type HarnessSample, sampleHarness, told } from "./harness-sample.ts";
import { installPackages } from "./peer-packages.ts";
import { PEERS } from "./peers.ts";

/** A round of all of them takes a minute. */
const ROUNDS = 5;

export const agentPeers: Bench = {
  name: "agent-peers",
  about: "the same of other harnesses, for comparison; installs 1 GB of packages into a cache folder",
  onlyByName: true,
  async run(report) {
    const packages = Object.assign({}, ...PEERS.map((peer) => peer.packages));
    const modules = await installPackages(packages, report);
    await withAgentRig(report, async ({ place, model, ours }) => {
      const harnesses = [ours, ...PEERS.map((peer) => peer.harness(modules, place))];
      const measure = (harness: Harness) => async (round: number) => {
        report.progress(`round ${round} of ${ROUNDS}: ${harness.name}`);
        return await sampleHarness(harness, place, model);
      };
      const [own = [], ...others] = await inTurn(ROUNDS, harnesses.map(measure));
      for (const [at, samples] of others.entries())
        reportPeer(report, harnesses[at + 1]?.name ?? "", samples, own);
    });
  },
};

function reportPeer(
  report: BenchReport,
  name: string,
  samples: readonly HarnessSample[],
  own: readonly HarnessSample[],
): void {
  report.progress(told(name, samples));
  for (const { metric, unit, of } of AGENT_METRICS)
    report.figure(
      absoluteFigure(
        { bench: "agent-peers", metric: `${name}: ${metric}`, unit, bar: null },
        samples.map(of),
        { name: "ours", samples: own.map(of) },
      ),
    );
}
