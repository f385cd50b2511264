// The frame in the browser: sends acts to the server, puts what comes back in its place, switches
// between views, and watches whether the server is there. Document text is never touched here.
window.wenju?.life.abort();
const life = new AbortController();

const find = (selector, root = document) => root.querySelector(selector);
const on = (type, act, target = document, options = {}) =>
  target.addEventListener(type, act, { signal: life.signal, ...options });

const words = () => find("#page")?.dataset ?? {};
const views = {}; // What the views' own scripts have said of themselves, by name.

/** An act that came to nothing. `kind`: lost (no server), refused (with its sentence), unexpected. */
class Failure extends Error {
  constructor(kind, sentence = "") {
    super(sentence || kind);
    this.kind = kind;
    this.sentence = sentence;
  }
}

// ---- the server ----

let state = null; // What it said of itself last; holds the token.

async function look() {
  const response = await fetch("wenju/state", { cache: "no-store" });
  if (!response.ok) throw new TypeError("no state");
  const before = state;
  state = await response.json();
  return before;
}

async function token() {
  if (state === null) await look();
  return state.token;
}

async function send(address, options = {}, isAgain = false) {
  const headers = { ...options.headers, "x-wenju-token": await token() };
  const response = await fetch(address.replace(/^\//, ""), { method: "POST", ...options, headers });
  if (response.status !== 403 || isAgain) return response;
  await look(); // A server that was started anew has a new token.
  return send(address, options, true);
}

async function call(view, name, data = {}, { signal } = {}) {
  let response;
  try {
    const body = JSON.stringify(data);
    response = await send(`wenju/act/${view}/${name}`, { body, signal });
  } catch (error) {
    throw worded(error);
  }
  if (response.status >= 500 && response.status !== 503) throw new Failure("unexpected");
  if (!response.ok) throw new Failure("refused", await response.text());
  return read(response);
}

function worded(error) {
  if (error.name === "AbortError") return new Failure("stopped");
  if (error instanceof TypeError) missing();
  return error instanceof TypeError ? new Failure("lost") : error;
}

// Each line is put in its place as soon as it is there. What was replied stays so, whatever is lost
// or stopped behind it.
async function read(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let reply = null;
  for (;;) {
    const { value, done } = await reader.read().catch((error) => {
      const failure = worded(error);
      if (reply === null) throw failure;
      return { done: true };
    });
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop();
    for (const line of lines) reply = take(JSON.parse(line)) ?? reply;
    if (done) return reply ?? {};
  }
}

function take(part) {
  if ("unexpected" in part) throw new Failure("unexpected");
  if ("error" in part) throw new Failure("refused", part.error);
  if ("patch" in part) patch(part);
  return part.reply;
}

function patch({ patch: id, html, how }) {
  const place = document.getElementById(id);
  if (!place) return;
  if (how === "append") place.insertAdjacentHTML("beforeend", html);
  else place.innerHTML = html;
  const drawn = id.startsWith("view-") ? id.slice(5) : null;
  if (drawn !== null) views[drawn]?.drawn?.(place);
  document.dispatchEvent(new CustomEvent("wenju:patched", { detail: { id, place } }));
}

async function act(view, name, data = {}, options = {}) {
  try {
    return await call(view, name, data, options);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.kind === "refused") say(error.sentence);
    if (error.kind === "unexpected") say(words().failed);
    return null;
  }
}

// ---- whether the server is there, and what it answers from ----

const LOOK_AFTER = 15_000; // Milliseconds between two looks; fewer while the server is missing.
const LOOK_SOON = 1_000;
let timer = null;

function missing() {
  const notice = find("#lost");
  if (notice?.hidden) {
    notice.hidden = false;
    watchServer(LOOK_SOON);
  }
}

function watchServer(after) {
  clearTimeout(timer);
  timer = setTimeout(watched, after);
}

async function watched() {
  if (life.signal.aborted) return;
  if (!document.hidden) await lookAround();
  watchServer(find("#lost")?.hidden === false ? LOOK_SOON : LOOK_AFTER);
}

async function lookAround() {
  let before;
  try {
    before = await look();
  } catch {
    missing();
    return;
  }
  if (!find("#lost").hidden) {
    find("#lost").hidden = true;
    say(words().back);
  }
  if (before && (before.generation !== state.generation || before.warning !== state.warning)) {
    await changed();
  }
}

// The index was built anew: what was shown of it is out of date.
async function changed() {
  await act("frame", "facts");
  const here = document.body.dataset.view;
  for (const root of document.querySelectorAll(".view[data-loaded]")) {
    const name = root.dataset.view;
    if (views[name]?.stale) views[name].stale(root);
    else delete root.dataset.loaded;
  }
  await load(here);
}

// ---- views ----

function view(name, about) {
  views[name] = about;
}

async function load(name) {
  const root = find(`#view-${name}`);
  if (!root || "loaded" in root.dataset) return;
  root.dataset.loaded = "";
  root.setAttribute("aria-busy", "true");
  const reply = await act(name, "show");
  root.removeAttribute("aria-busy");
  if (reply === null) delete root.dataset.loaded;
}

async function go(name) {
  const wanted = find(`#view-${name}`) ? name : "ask";
  const address = wanted === "ask" ? location.pathname + location.search : `#${wanted}`;
  if (named() !== wanted) history.pushState(null, "", address);
  await turnTo(wanted);
}

const named = () => location.hash.slice(1) || "ask";

async function turnTo(name) {
  const wanted = find(`#view-${name}`) ? name : "ask";
  document.body.dataset.view = wanted;
  for (const root of document.querySelectorAll(".view")) {
    root.hidden = root.dataset.view !== wanted;
  }
  for (const link of document.querySelectorAll("#header nav a")) {
    if (link.dataset.view === wanted) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.dispatchEvent(new CustomEvent("wenju:view", { detail: { name: wanted } }));
  await load(wanted);
  views[wanted]?.shown?.(find(`#view-${wanted}`));
}

// ---- what this tab remembers; a browser may refuse to ----

const memory = {
  get(key) {
    try {
      return sessionStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      if (value === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, value);
    } catch {
      // Then it is forgotten with the page.
    }
  },
};

// ---- notices, and acts of the frame ----

let quiet = null;

function say(sentence) {
  const said = find("#said");
  said.textContent = sentence;
  clearTimeout(quiet);
  quiet = setTimeout(() => (said.textContent = ""), 6_000);
}

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyByHand(text); // No clipboard outside of a secure context.
  }
  const label = button.textContent;
  if (label === words().copied) return;
  button.textContent = words().copied;
  setTimeout(() => (button.textContent = label), 1500);
}

function copyByHand(text) {
  const carrier = document.createElement("textarea");
  carrier.value = text;
  document.body.append(carrier);
  carrier.select();
  document.execCommand("copy");
  carrier.remove();
}

// Gives a file that the server has written into a reply: {file, type, text}.
function download({ file, type, text }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function speak(button) {
  const chosen = button.dataset.language;
  document.cookie = `wenju-language=${chosen}; path=/; max-age=31536000; SameSite=Strict`;
  await draw();
}

// Draws the whole page: at first, and in another language.
async function draw() {
  const reply = await call("frame", "show").catch((error) => {
    if (!(error instanceof Failure)) throw error;
    return null;
  });
  if (reply === null) setTimeout(draw, LOOK_SOON);
}

// Called as soon as the page stands there: whoever is quick asks before its last byte has come.
function drawn() {
  document.documentElement.lang = words().htmlLanguage;
  find("#view-ask").dataset.loaded = "";
  document.dispatchEvent(new Event("wenju:drawn"));
  turnTo(named());
}

const frameActs = {
  copy,
  language: speak,
  go: (button, event) => {
    event.preventDefault();
    go(button.dataset.view);
  },
};

// ---- one listener for everything ----

const homeOf = (node) =>
  node.dataset.target ?? node.closest("section[data-view]")?.dataset.view ?? "ask";

function data(node) {
  const { act: _, target: __, confirm: ___, ...rest } = node.dataset;
  return rest;
}

function fields(form) {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string") continue;
    found[name] = name in found ? [found[name], value].flat() : value;
  }
  return found;
}

function run(node, event, given) {
  const { act: name, confirm: question } = node.dataset;
  const home = homeOf(node);
  if (question && !confirm(question)) return;
  const own = views[home]?.acts?.[name] ?? frameActs[name];
  if (own) own(node, event);
  else sendAct(node, home, name, given());
}

async function sendAct(node, home, name, given) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    await act(home, name, given);
  } finally {
    node.removeAttribute("aria-busy");
  }
}

on("click", (event) => {
  const node = event.target.closest?.("[data-act]");
  if (!node || node.tagName === "FORM" || node.disabled) return;
  if (node.tagName === "A" && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
  run(node, event, () => data(node));
});
on("submit", (event) => {
  const form = event.target.closest("form[data-act]");
  if (!form) return;
  event.preventDefault();
  run(form, event, () => fields(form));
});
on("popstate", () => turnTo(named()), window);
on("visibilitychange", () => document.hidden || watchServer(0));

// A name without the characters that would show it in another order than it has.
const undirected = (name) => name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");

window.wenju = {
  act,
  call,
  download,
  find,
  Failure,
  frameActs,
  go,
  life,
  memory,
  on,
  say,
  send,
  token,
  undirected,
  view,
  words,
  get language() {
    return words().language;
  },
  start() {
    view("frame", { drawn });
    draw();
    watchServer(LOOK_AFTER);
  },
};
