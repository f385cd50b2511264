// Asking: the question box, the conversation, stopping, asking again, and taking a talk up again.
const { act, call, choice, find, frameActs, go, memory, on, panel, talks, view, words, written, Failure } = window.wenju;

const narrow = matchMedia("(max-width: 760px)");
const box = () => find("#question");
const form = () => find("#dock .box");
const conversation = () => find("#conversation");
const turns = () => [...document.querySelectorAll("#conversation .turn")];

const DRAFT = "wenju-draft";
const STOP_AFTER = 400; // Milliseconds until a question on its way can be stopped.
const HISTORY = 8; // Turns that a follow-up may refer to.
let waiting = null; // {question, controller} of the question on its way, or null.
let rendering = null; // The drawing of a conversation, until it stands there.
let replaced = null; // Number of the turn that the next question takes the place of, or null.

// ---- asking ----

async function ask(text) {
  const question = text.trim();
  if (!question) return;
  if (waiting !== null) {
    // The answer stands there already, and only what belongs to it is still to come.
    waiting.goesOn = !find("#conversation .dots");
    return;
  }
  const controller = new AbortController();
  const { talk } = talks;
  waiting = { question, controller };
  const from = replaced;
  setBox("", null);
  memory.set(DRAFT, question);
  await rendering;
  const turn = showWaiting(question, from);
  const stoppable = setTimeout(() => form().toggleAttribute("data-waiting", true), STOP_AFTER);
  try {
    const number = Number(turn.dataset.number);
    const given = { question, number, history: history(from), sources: choice.chosen() };
    const reply = await call("ask", "ask", given, { signal: controller.signal });
    // Another conversation may have been taken up while the original was still on its way.
    if (talks.talk === talk) {
      answered(turn, from, question, reply);
      if (reply.record) written.begin(given, reply.record);
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    unanswered(turn, from, question, error);
  } finally {
    clearTimeout(stoppable);
    const { goesOn } = waiting;
    waiting = null;
    form().removeAttribute("data-waiting");
    saveDraft();
    if (goesOn) ask(box().value);
  }
}

function history(from) {
  const before = talks.talk.records.filter((one) => from === null || one.number < from);
  return before
    .filter((one) => one.answer.reason !== "small_talk")
    .slice(-HISTORY)
    .map((one) => ({ question: one.answer.question, answer: one.answer.text }));
}

function answered(turn, from, question, { record, returned }) {
  if (returned) setBox(question, from);
  if (!turn.isConnected) {
    answeredElsewhere(from, question, record);
    return;
  }
  if (!record) {
    settle(turn, from, false);
    return;
  }
  settle(turn, from, true);
  keep(from, record);
  showTurn(turn);
}

function keep(from, record) {
  const kept = talks.talk.records;
  if (from !== null) kept.splice(0, kept.length, ...kept.filter((one) => one.number < from));
  kept.push(record);
  talks.keep();
}

// The page was drawn in another language meanwhile, with the question back in its box.
async function answeredElsewhere(from, question, record) {
  if (!record) return;
  keep(from, record);
  if (box().value.trim() === question) setBox("", null);
  await render(talks.talk.records);
  showTurn(turns().at(-1));
}

// Lost, stopped or refused: the question goes back into the box, and nothing else has changed.
function unanswered(turn, from, question, { kind, sentence }) {
  setBox(question, from);
  if (kind === "stopped" || kind === "lost") {
    turn.remove();
    settle(null, from, false);
    return;
  }
  const card = document.createElement("div");
  card.className = "card failure";
  card.setAttribute("role", "alert");
  card.textContent = sentence || form().dataset.unexpected;
  find(".card", turn).replaceWith(card);
  settle(turn, from, false);
}

// The turns that were to be replaced go, or come back.
function settle(turn, from, isReplaced) {
  turn?.classList.remove("waiting");
  if (isReplaced && from !== null) written.stop(from);
  for (const other of turns()) {
    if (other === turn || from === null || Number(other.dataset.number) < from) continue;
    if (isReplaced) other.remove();
    else other.hidden = false;
  }
  showWelcome();
  if (turn) showTurn(turn);
}

function showWaiting(question, from) {
  find(".welcome", conversation())?.remove();
  const number = 1 + Math.max(-1, ...turns().map((one) => Number(one.dataset.number)));
  for (const other of turns()) {
    if (from !== null && Number(other.dataset.number) >= from) other.hidden = true;
  }
  const turn = document.createElement("article");
  turn.className = "turn waiting";
  turn.id = `turn-${number}`;
  turn.dataset.number = number;
  turn.append(bubble(question), dots());
  conversation().append(turn);
  showTurn(turn);
  return turn;
}

function bubble(question) {
  const asked = document.createElement("div");
  asked.className = "asked";
  const text = document.createElement("div");
  text.className = "question";
  text.textContent = question;
  asked.append(text);
  return asked;
}

function dots() {
  const card = document.createElement("div");
  card.className = "card dots";
  card.setAttribute("role", "status");
  card.setAttribute("aria-label", form().dataset.looking);
  card.append(...[1, 2, 3].map(() => document.createElement("i")));
  return card;
}

function showTurn(turn) {
  const room = innerHeight - find("#header").offsetHeight - find("#dock").offsetHeight;
  turn.scrollIntoView({ block: turn.offsetHeight > room ? "start" : "end" });
}

// ---- the box ----

function setBox(text, number) {
  const input = box();
  input.value = text;
  replaced = number;
  find("#editing").hidden = number === null;
  fitBox(input);
  saveDraft();
}

function saveDraft() {
  if (waiting === null && box()) memory.set(DRAFT, box().value);
}

// Browsers without `field-sizing` get the height of the box set by hand.
function fitBox(input) {
  if (CSS.supports("field-sizing", "content")) return;
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}

function edit(button) {
  setBox(button.dataset.question, Number(button.dataset.number));
  box().focus();
}

function retry(button) {
  if (waiting !== null) return;
  replaced = Number(button.dataset.number);
  ask(button.dataset.question);
}

// ---- conversations ----

// What is asked meanwhile waits for it: its turn comes behind those that are being drawn.
async function render(records) {
  conversation().setAttribute("aria-busy", "true");
  const drawing = act("ask", "render", { records });
  rendering = drawing;
  await drawing;
  if (rendering === drawing) conversation().removeAttribute("aria-busy");
}

async function takeUp(id) {
  waiting?.controller.abort();
  written.stop();
  setBox(box().value, null);
  panel.forget();
  const isSaid = talks.take(id);
  find("#talks").open = false;
  await render(isSaid ? talks.talk.records : []);
  const last = turns().at(-1);
  if (last) showTurn(last);
  if (!narrow.matches) box().focus();
}

function showWelcome() {
  if (!turns().length) render(talks.talk.records);
}

function remove(button) {
  const id = talks.idOf(button);
  const isHere = id === talks.talk.id;
  talks.remove(id);
  if (isHere) takeUp(null);
}

function clear() {
  const { id } = talks.talk;
  if (id !== null) talks.remove(id);
  takeUp(null);
}

// ---- the page was drawn: at first, after a reload, in another language ----

async function drawn() {
  const draft = memory.get(DRAFT) ?? "";
  const open = panel.shown() ?? lastOpen;
  const here = talks.talk.id ?? talks.here();
  // What is asked at this moment belongs to the conversation that stands here.
  const isSaid = here !== null && talks.take(here);
  talks.drawList();
  setBox(draft, null);
  if (!find("#examples").children.length) act("ask", "examples");
  if (!narrow.matches && document.activeElement === document.body) box().focus();
  if (isSaid) await render(talks.talk.records);
  if (open) await panel.again(open);
  turns().at(-1)?.scrollIntoView({ block: "end" });
}

let lastOpen = null; // Survives the redrawing of the page.
on("wenju:patched", ({ detail: { id } }) => {
  if (id === "panel") lastOpen = panel.shown();
});
on("wenju:drawn", drawn);

view("ask", {
  stale: () => act("ask", "examples"),
  acts: {
    edit,
    retry,
    clear,
    keep: () => setBox("", null),
    stop,
    new: () => takeUp(null),
    talk: (button) => takeUp(talks.idOf(button)),
    rename: talks.startRename,
    delete: remove,
    export: talks.exportTalk,
    ...written.acts,
  },
});

window.wenju.ask = async (question) => {
  await go("ask");
  await ask(question);
};
frameActs.ask = (button) => window.wenju.ask(button.dataset.question);

on("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  ask(box().value);
});
on("input", (event) => {
  if (event.target !== box()) return;
  fitBox(event.target);
  saveDraft();
});
// `toggle` does not bubble.
on("toggle", (event) => {
  if (event.target.closest?.(".card")) event.target.scrollIntoView({ block: "nearest" });
}, document, { capture: true });
on("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return; // An input method is at work.
  if (event.key === "Escape") escape();
  if (event.target === box()) {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    ask(box().value);
  } else if (event.key === "/" && !event.target.closest?.("input, textarea, select")) {
    slash(event);
  }
});

// Once the answer stands there, only the original is on its way: nothing is stopped any more.
function stop() {
  if (find("#conversation .dots")) waiting.controller.abort();
}

function escape() {
  if (waiting !== null) stop();
  else if (written.isUnderWay && !find("#talks").open) written.stop();
  else if (replaced !== null) setBox("", null);
}

function slash(event) {
  const field = find(`#view-${document.body.dataset.view} .field`) ?? box();
  event.preventDefault();
  field.focus();
}
