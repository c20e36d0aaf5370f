import type { ModelTurn } from "../model-script.ts";

/** One agent under test: how it is started, and how a model makes it do something. */
export interface AgentUnderTest {
  argv: readonly string[];
  /** Its own variables, beside those every agent is given. */
  env?: Record<string, string>;
  /** What the model says so that this agent runs a shell command in the checkout. */
  command(command: string): ModelTurn;
  /** What the model says so that this agent ends as completed. */
  finish(summary: string): ModelTurn;
  can: AgentCapabilities;
}

/** What an agent may do or leave. The suite holds it to what it claims, and to doing nothing else. */
export interface AgentCapabilities {
  /** When a message of a person reaches the model: before its next call, after the work at hand, or not at all. */
  steering: "before_next_call" | "after_the_work" | "none";
  /** Whether commands of the model are seen as `tool_start` and `tool_done`, and with how they ended. */
  toolEvents: "none" | "without_exit_code" | "with_exit_code";
  /** Whether it ends by itself what a command leaves in the background; the end of its container does in any case. */
  endsBackground: boolean;
}
