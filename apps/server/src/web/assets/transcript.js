import { refresh } from "./refresh.js";
import { TranscriptEntries } from "./transcript-entries.js";

/** Events are shown together this often, ms, so that a flood costs one layout and not thousands. */
const SHOW_MS = 60;

/** Follows the transcript of every run that is unfolded; a folded one is read when somebody opens it. */
export function followTranscripts() {
  for (const details of document.querySelectorAll("details[data-transcript]")) {
    if (details.hasAttribute("data-followed")) {
      resumeIfLive(details);
      continue;
    }
    details.setAttribute("data-followed", "");
    if (details.open) follow(details);
    else details.addEventListener("toggle", () => follow(details), { once: true });
  }
}

/** A run whose pull request is tried again lives once more, after its transcript had ended. */
function resumeIfLive(details) {
  const isLive = details.closest("[data-run]")?.hasAttribute("data-live");
  if (isLive && details.hasAttribute("data-ended")) details.dispatchEvent(new Event("resume"));
}

function follow(details) {
  const id = details.dataset.transcript;
  const note = details.querySelector("[data-note]");
  const entries = new TranscriptEntries(details.querySelector("[data-entries]"));
  let waiting = [];
  let lastId = 0;
  let ended = false;
  let source;

  const show = () => {
    const batch = waiting;
    waiting = [];
    entries.add(batch);
  };
  const onEvent = (message) => {
    const event = JSON.parse(message.data);
    if (event.id <= lastId) return; // a reconnect may bring an event a second time
    lastId = event.id;
    if (waiting.length === 0) setTimeout(show, SHOW_MS);
    waiting.push(event);
  };
  const onEnd = () => {
    ended = true;
    details.setAttribute("data-ended", "");
    source.close();
    say(note, lastId === 0 ? "Nothing was recorded." : "");
    void refresh();
  };
  const onError = () => {
    const closed = source.readyState === EventSource.CLOSED;
    say(
      note,
      closed ? "The connection was closed; reload the page to go on." : "Connection lost; trying again…",
    );
  };
  // After a lost connection the browser connects again by itself and says which event it had last.
  const connect = () => {
    source = new EventSource(`/api/v1/agent-runs/${id}/events/stream?after=${lastId}`);
    source.addEventListener("open", () => say(note, "Live"));
    source.addEventListener("event", onEvent);
    source.addEventListener("run", (message) => runChanged(JSON.parse(message.data)));
    source.addEventListener("end", onEnd);
    source.addEventListener("error", onError);
  };
  details.addEventListener("resume", () => {
    ended = false;
    details.removeAttribute("data-ended");
    if (!document.hidden) connect();
  });
  // A browser has six connections to a server for all its tabs together; those in the background give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (ended) return;
    source.close();
    if (!document.hidden) connect();
  });
  connect();
}

function say(note, text) {
  note.textContent = text;
  note.classList.toggle("live", text === "Live");
  note.hidden = text === "";
}

/** The server renders what a run looks like; here we only notice that it changed. */
function runChanged(run) {
  const card = document.getElementById(`run-${run.id}`);
  const state = [
    run.status,
    run.phase,
    run.attempt,
    run.cancel_requested,
    run.pull_request?.state,
    run.pull_request?.sync_problem,
    run.queued_because?.text,
    run.detail,
  ].join("|");
  if (card === null || card.dataset.state === state) return;
  card.dataset.state = state;
  document.getElementById("announcer").textContent = `Run ${run.id}: ${run.phase ?? run.status}`;
  void refresh();
}
