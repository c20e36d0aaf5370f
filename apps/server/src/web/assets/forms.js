import { refresh } from "./refresh.js";

/**
 * Sends every form with `data-api` as JSON and stays on the page, so that nothing typed is lost when it is refused.
 * `data-api` may name fields of the form, as in /models/{model}; they go into the address and not into the body.
 * `data-method` (POST), `data-then`: `refresh`, `reload`, `stay` or an address that may name fields of the reply, as in
 * /items/{key}; `data-clear` empties the form when it was taken. `data-result` is the id of the place where the result is
 * said: `data-said`, or else the reply's `message`; `data-wait` stands there until it comes.
 */
export function handleForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.api) return;
    event.preventDefault();
    if (!form.hasAttribute("aria-busy")) void send(form);
  });
}

async function send(form) {
  const focused = document.activeElement;
  showProblems(form, "", []);
  showResult(form, form.dataset.wait ?? "", undefined);
  setBusy(form, true);
  const reply = await post(form);
  setBusy(form, false);
  // A button that was disabled has lost the focus.
  if (document.activeElement === document.body && form.contains(focused)) focused.focus();
  if (reply.kind === "refused") {
    showResult(form, "", undefined);
    return showProblems(form, reply.message, reply.details);
  }
  if (form.hasAttribute("data-clear")) form.reset();
  else noteSent(form);
  const said = form.dataset.said?.replace(/\{(\w+)\}/g, (_, name) => reply.body[name] ?? "");
  showResult(form, said ?? reply.body.message ?? "", reply.body.ok !== false);
  await follow(form.dataset.then ?? "reload", reply.body);
}

async function post(form) {
  const { address, values } = requestOf(form);
  let response;
  try {
    response = await fetch(address, {
      method: form.dataset.method ?? "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(values),
      redirect: "error",
    });
  } catch {
    return refused("The server cannot be reached. What you typed is still here; try again.");
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) return { kind: "taken", body };
  if (response.status === 401 && !form.dataset.api.startsWith("/api/auth/"))
    return refused("Your session has ended. Sign in in another tab, then send this again.");
  const error = body.error ?? body;
  return refused(error.message ?? `The server answered ${response.status}.`, error.details);
}

function refused(message, details = []) {
  return { kind: "refused", message, details };
}

/** What was taken is no more something typed that waits to be sent. Secrets are cleared instead, by `data-clear`. */
function noteSent(form) {
  for (const field of form.elements) {
    if (field.type === "checkbox") field.defaultChecked = field.checked;
    else if (field.type !== "password" && "defaultValue" in field) field.defaultValue = field.value;
  }
}

function requestOf(form) {
  const values = {};
  const named = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    const value = readField(field);
    if (form.dataset.api.includes(`{${field.name}}`)) named[field.name] = value;
    else if (value !== undefined) place(values, field.name.split("."), value);
  }
  const address = form.dataset.api.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(named[name] ?? ""));
  return { address, values };
}

/** Undefined when the field shall be left out: `data-empty` says what an empty one stands for. */
function readField(field) {
  const { type, empty } = field.dataset;
  if (field.type === "checkbox") return field.checked;
  if (type === "boolean") return field.value === "true";
  if (field.value === "" && empty === "null") return null;
  if (field.value === "" && empty === "omit") return undefined;
  if (type === "list") return field.value.split(",").flatMap((part) => part.trim() || []);
  if (type === "integer") return Number(field.value);
  if (type === "dollars") return Math.round(Number(field.value) * 1_000_000);
  return field.value;
}

/** A name with dots, such as `app.app_id`, stands for a field inside a field. */
function place(values, [name, ...rest], value) {
  if (rest.length === 0) values[name] = value;
  else {
    values[name] ??= {};
    place(values[name], rest, value);
  }
}

async function follow(then, body) {
  if (then === "stay") return;
  if (then === "refresh") return refresh();
  if (then === "reload") return location.reload();
  location.assign(then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(body[name] ?? "")));
}

function setBusy(form, busy) {
  form.toggleAttribute("aria-busy", busy);
  for (const button of form.querySelectorAll("button")) button.disabled = busy;
}

/** @param good undefined while nothing is known */
function showResult(form, text, good) {
  const shown = form.dataset.result && document.getElementById(form.dataset.result);
  if (!shown) return;
  shown.classList.toggle("good", good === true);
  shown.classList.toggle("bad", good === false);
  shown.textContent = text;
}

/** Problems stand beside their fields; what belongs to none stands above the form. */
function showProblems(form, message, details) {
  for (const place of form.querySelectorAll("[data-error-for]")) {
    const problem = details.find((one) => one.path === place.dataset.errorFor);
    place.textContent = problem?.message ?? "";
    place.hidden = problem === undefined;
    const field = form.elements.namedItem(place.dataset.errorFor);
    markField(field, problem === undefined ? undefined : place.id);
  }
  const shown = details.some((one) => form.querySelector(`[data-error-for="${CSS.escape(one.path)}"]`));
  const general = form.querySelector("[data-form-error]");
  if (general !== null) {
    general.textContent = shown ? "" : message;
    general.hidden = shown || message === "";
  }
  form.querySelector('[aria-invalid="true"]')?.focus();
}

function markField(field, errorId) {
  if (!(field instanceof HTMLElement)) return;
  const hint = document.getElementById(`${field.id}-hint`)?.id;
  const described = [hint, errorId].filter(Boolean).join(" ");
  if (errorId === undefined) field.removeAttribute("aria-invalid");
  else field.setAttribute("aria-invalid", "true");
  if (described === "") field.removeAttribute("aria-describedby");
  else field.setAttribute("aria-describedby", described);
}
