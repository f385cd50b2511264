// The page's behaviour in the browser. It runs as the `js_on_load` of the dock, with gradio's
// `element` and `trigger`; it draws nothing but the waiting question, and never touches document text.
"use strict";

window.wenju?.abort();
const life = new AbortController();
window.wenju = life;

const find = (selector, root = document) => root.querySelector(selector);
const on = (type, act, target = document) =>
  target.addEventListener(type, act, { signal: life.signal });

const narrow = matchMedia("(max-width: 760px)");
const box = () => find("#question");
const form = () => find("#dock .box");
const panel = () => find("#panel .panel");
const language = () => find("#header .top")?.dataset.language ?? null;

const LONGEST_START = 5000; // Milliseconds after which a question is sent whatever is missing.
const begun = Date.now();
const WAITING = "wenju-waiting";
let waiting = null; // The question on its way, or null.
let opener = null; // The button that opened the panel, to return the focus to.

// Gradio finds an event's name only where it stands in quotes.
const acts = {
  ask: (data) => trigger('ask', data),
  open: (data) => trigger('open', data),
  clear: () => trigger('clear', { language: language() }),
  language: (data) => trigger('language', data),
};

// ---- asking ----

function ask(text) {
  const question = text.trim();
  if (!question || waiting !== null) return;
  waiting = question;
  sessionStorage.setItem(WAITING, question);
  showWaiting(question);
  setBox("");
  send();
}

// While the page is still being drawn, gradio may lose an event: the question waits for the end of it.
function send() {
  if (form()?.dataset.ready === undefined && Date.now() - begun < LONGEST_START) {
    setTimeout(send, 50);
  } else if (waiting !== null) {
    acts.ask({ question: waiting, language: language() });
  }
}

function setBox(text) {
  const input = box();
  input.value = text;
  fitBox(input);
}

// gradio loads the page anew when it has found a lost server again: the question is still wanted.
function drawnDock() {
  const lost = waiting === null ? sessionStorage.getItem(WAITING) : null;
  if (lost !== null) {
    setBox(lost);
    sessionStorage.removeItem(WAITING);
  }
  if (!narrow.matches && document.activeElement === document.body) box().focus();
}

// Browsers without `field-sizing` get the height of the box set by hand.
function fitBox(input) {
  if (CSS.supports("field-sizing", "content")) return;
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}

function showWaiting(question) {
  const conversation = find("#conversation .conversation");
  find(".welcome", conversation)?.remove();
  const turn = document.createElement("article");
  turn.className = "turn waiting";
  const bubble = document.createElement("div");
  bubble.className = "question";
  bubble.textContent = question;
  const dots = document.createElement("div");
  dots.className = "card dots";
  dots.setAttribute("role", "status");
  dots.setAttribute("aria-label", form().dataset.looking);
  dots.append(...[1, 2, 3].map(() => document.createElement("i")));
  turn.append(bubble, dots);
  conversation.append(turn);
  showTurn(turn);
}

function showTurn(turn) {
  const room = innerHeight - find("#header").offsetHeight - find("#dock").offsetHeight;
  turn.scrollIntoView({ block: turn.offsetHeight > room ? "start" : "end" });
}

function answered() {
  document.documentElement.lang = find("#header .top")?.dataset.htmlLanguage ?? "";
  if (waiting !== null) {
    const last = find("#conversation .turn:last-of-type");
    if (last && find("[data-returned]", last)) setBox(waiting);
    if (last) showTurn(last);
    waiting = null;
    sessionStorage.removeItem(WAITING);
  }
  markCurrent();
}

// ---- the original ----

const place = (node) => ({
  turn: Number(node.dataset.turn),
  kind: node.dataset.kind,
  number: Number(node.dataset.number),
});
const isSame = (one, other) =>
  one.turn === other.turn && one.kind === other.kind && one.number === other.number;

function open(button) {
  const wanted = place(button);
  if (!button.closest("#panel")) opener = button;
  const shown = panel();
  if (shown?.dataset.turn !== undefined && isSame(place(shown), wanted)) {
    showPanel();
    scrollToMark();
  } else {
    document.body.dataset.opening = "";
    acts.open({ ...wanted, language: language() });
  }
}

function drawnPanel() {
  if ("opening" in document.body.dataset) {
    delete document.body.dataset.opening;
    showPanel();
  }
  scrollToMark();
  markCurrent();
}

function showPanel() {
  if (!narrow.matches || document.body.classList.contains("sheet")) return;
  document.body.classList.add("sheet");
  find("#panel h2")?.focus({ preventScroll: true });
  keepInView(opener);
}

// The sheet must not cover the citation that opened it.
function keepInView(button) {
  if (!button) return;
  const sheetTop = innerHeight - find("#panel").offsetHeight;
  const over = button.getBoundingClientRect().bottom + 16 - sheetTop;
  if (over > 0) scrollBy({ top: over });
}

function hidePanel() {
  if (!document.body.classList.contains("sheet")) return;
  document.body.classList.remove("sheet");
  opener?.focus({ preventScroll: true });
}

function scrollToMark() {
  const original = find("#panel .original");
  const mark = find("mark", original ?? undefined);
  if (!original || !mark) return;
  const first = mark.getClientRects()[0] ?? mark.getBoundingClientRect();
  const above = first.top - original.getBoundingClientRect().top;
  original.scrollTop += above - original.clientHeight / 5;
}

function markCurrent() {
  const shown = panel();
  const current = shown?.dataset.turn === undefined ? null : place(shown);
  for (const button of document.querySelectorAll("#conversation [data-act=open]")) {
    button.toggleAttribute("data-current", current !== null && isSame(place(button), current));
  }
}

// ---- small acts ----

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyByHand(text); // No clipboard outside of a secure context.
  }
  const label = button.textContent;
  button.textContent = form().dataset.copied;
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

function switchLanguage(chosen) {
  document.cookie = `wenju-language=${chosen}; path=/; max-age=31536000; SameSite=Strict`;
  const shown = panel();
  const opened = shown?.dataset.turn === undefined ? {} : place(shown);
  acts.language({ ...opened, language: chosen });
}

function edit(question) {
  setBox(question);
  box().focus();
}

const clicks = {
  open,
  copy,
  close: hidePanel,
  edit: (button) => edit(button.dataset.question),
  example: (button) => ask(button.dataset.question),
  language: (button) => switchLanguage(button.dataset.language),
  clear: () => {
    hidePanel();
    if (waiting === null) acts.clear();
  },
};

on("click", (event) => {
  const button = event.target.closest?.("[data-act]");
  if (button && !button.disabled) clicks[button.dataset.act]?.(button);
});
on("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  ask(box().value);
});
on("input", (event) => event.target === box() && fitBox(event.target));
// `toggle` does not bubble.
document.addEventListener("toggle", (event) => event.target.scrollIntoView({ block: "nearest" }), {
  capture: true,
  signal: life.signal,
});
on("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return; // An input method is at work.
  if (event.key === "Escape") hidePanel();
  if (event.target === box()) {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    ask(box().value);
  } else if (event.key === "/" && !event.target.closest?.("input, textarea, select")) {
    event.preventDefault();
    box().focus();
  }
});
watch("value", drawnDock);
on("wenju:conversation", answered);
on("wenju:panel", drawnPanel);
on("wenju:header", () => {
  document.documentElement.lang = find("#header .top").dataset.htmlLanguage;
});
