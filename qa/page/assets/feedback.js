// Thumbs below answers, and the list of all of them.
// What this browser has given is remembered here, so that it can be changed.
const { act, download, find, on, say: announce, talks, view } = window.wenju;

const GIVEN = "wenju-feedback"; // [[key, {verdict, note, missing}], ...], the newest last.
const VISITOR = "wenju-visitor";
const KEPT = 500;

function stored() {
  try {
    return new Map(JSON.parse(localStorage.getItem(GIVEN)) ?? []);
  } catch {
    return new Map();
  }
}

function remember(key, given) {
  const all = stored();
  all.delete(key);
  if (given.verdict !== "none") all.set(key, given);
  try {
    localStorage.setItem(GIVEN, JSON.stringify([...all].slice(-KEPT)));
  } catch {
    // Without room the thumb is kept by the server all the same.
  }
}

// Names this browser, and says nothing of who uses it: another's word on an answer is another word.
function visitor() {
  let name = localStorage.getItem(VISITOR);
  if (!name) {
    const bytes = crypto.getRandomValues(new Uint8Array(9));
    name = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    localStorage.setItem(VISITOR, name);
  }
  return name;
}

const slotOf = (node) => node.closest(".feedback");
const numberOf = (slot) => Number(slot.closest(".turn").dataset.number);

let last = Promise.resolve(); // One after the other: a note must not overtake its thumb.

function give(slot, given) {
  last = last.then(() => send(slot, given));
  return last;
}

async function send(slot, given) {
  const number = numberOf(slot);
  const records = talks.talk.records;
  const record = records.find((one) => one.number === number);
  const history = records.filter((one) => one.number < number).map((one) => one.question);
  const id = `${visitor()}-${slot.dataset.key}`;
  if (!record || (await act("feedback", "give", { ...given, id, record, history })) === null) {
    return false;
  }
  remember(slot.dataset.key, given);
  delete find("#view-feedback").dataset.loaded; // Its list is out of date.
  return true;
}

const pressedIn = (slot) => find('.thumb[aria-pressed="true"]', slot)?.dataset.verdict ?? "none";
const formOf = (slot) => find("form.note", slot);

function press(slot, verdict) {
  for (const thumb of slot.querySelectorAll(".thumb")) {
    thumb.setAttribute("aria-pressed", String(thumb.dataset.verdict === verdict));
  }
  const missing = find(".missing", slot);
  if (missing) missing.hidden = verdict !== "down";
}

function written(slot) {
  const { note, missing } = formOf(slot).elements;
  const verdict = pressedIn(slot);
  return { verdict, note: note.value, missing: verdict === "down" && (missing?.checked ?? false) };
}

function fill(slot, { note = "", missing = false } = {}) {
  const fields = formOf(slot).elements;
  fields.note.value = note;
  if (fields.missing) fields.missing.checked = missing;
}

// The same thumb again takes it back. It is pressed at once, and let go when it was not kept.
async function thumb(button) {
  const slot = slotOf(button);
  const before = pressedIn(slot);
  const { verdict } = button.dataset;
  const isBack = before === verdict;
  press(slot, isBack ? "none" : verdict);
  if (isBack) fill(slot);
  say(slot, "");
  if (!(await give(slot, written(slot)))) {
    press(slot, before);
    return;
  }
  formOf(slot).hidden = isBack;
  say(slot, isBack ? slot.dataset.takenBack : slot.dataset.thanks);
}

async function note(form) {
  const slot = slotOf(form);
  if (!(await give(slot, written(slot)))) return;
  form.hidden = true;
  say(slot, slot.dataset.saved);
  find('.thumb[aria-pressed="true"]', slot)?.focus({ preventScroll: true });
}

function say(slot, sentence) {
  find(".thanks", slot).textContent = sentence;
}

function drawn() {
  const all = stored();
  for (const slot of document.querySelectorAll(".feedback[hidden]")) {
    slot.hidden = false;
    const given = all.get(slot.dataset.key);
    press(slot, given?.verdict ?? "none");
    fill(slot, given);
  }
}

on("wenju:patched", ({ detail: { place } }) => {
  drawn();
  localise(place.parentNode);
});

// ---- the list of them all ----

// The server knows the time, and the browser where one is.
function localise(place) {
  const form = { dateStyle: "medium", timeStyle: "short" };
  for (const time of place.querySelectorAll("#view-feedback time")) {
    time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, form);
  }
}

let group = ""; // Verdict that the list is narrowed to; empty for all.

const list = (count) => act("feedback", "list", { group, ...(count ? { count } : {}) });

async function exportAll() {
  const reply = await act("feedback", "export");
  if (reply === null) return;
  download(reply);
  announce(reply.said);
}

view("feedback", {
  drawn: () => (group = ""),
  acts: {
    thumb,
    note,
    group: (button) => {
      group = button.dataset.group;
      list();
    },
    more: (button) => list(button.dataset.count),
    again: (button) => window.wenju.ask(button.dataset.question),
    export: exportAll,
  },
});
