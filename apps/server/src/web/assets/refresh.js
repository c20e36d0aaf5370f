const listeners = [];
let running;
let again = false;

/** Calls `listener` after parts of the page were taken anew. */
export function onRefreshed(listener) {
  listeners.push(listener);
}

/** Takes the parts with `data-refresh` anew from the server. Calls that come while one is under way share the next. */
export function refresh() {
  again = true;
  running ??= run().finally(() => {
    running = undefined;
  });
  return running;
}

async function run() {
  while (again) {
    again = false;
    const response = await fetch(location.pathname + location.search).catch(() => undefined);
    if (response === undefined || !response.ok || response.redirected) return;
    swap(new DOMParser().parseFromString(await response.text(), "text/html"));
    for (const listener of listeners) listener();
  }
}

function swap(fresh) {
  for (const old of document.querySelectorAll("[data-refresh]")) {
    const next = fresh.getElementById(old.id);
    if (next === null || old.innerHTML === next.innerHTML) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    keepParts(old, next);
    keepTyped(old, next);
    old.replaceWith(document.adoptNode(next));
    if (focused !== "") document.getElementById(focused)?.focus();
  }
}

/** What was typed and not sent yet, in another form of the same part, stays. */
function keepTyped(old, next) {
  for (const field of old.querySelectorAll("input[id], textarea[id]")) {
    const place = next.querySelector(`#${CSS.escape(field.id)}`);
    if (place === null) continue;
    if (field.value !== field.defaultValue) place.value = field.value;
    if (field.checked !== field.defaultChecked) place.checked = field.checked;
  }
}

/** Parts that live in the page only, such as a transcript, move over as they are. */
function keepParts(old, next) {
  if (!old.dataset.keep) return;
  for (const part of old.querySelectorAll(old.dataset.keep)) {
    const place = next.querySelector(`#${CSS.escape(part.id)}`);
    if (place === null) continue;
    const scrolled = [...part.querySelectorAll("[tabindex]")].map((box) => [box, box.scrollTop]);
    place.replaceWith(part);
    queueMicrotask(() => {
      for (const [box, top] of scrolled) box.scrollTop = top;
    });
  }
}
