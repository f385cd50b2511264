// A language model's words in the card of an answer: they come sentence by sentence, stand in place of
// the documents' own once they are whole, and can be exchanged for them.
const { call, find, on, talks, Failure } = window.wenju;

const FORBIDDEN = "wenju-unwritten"; // Kept while the model must not be asked from this browser.
const NEAR = 240; // Pixels below the question box that a growing text is still followed.
const under = new Map(); // What is being written: number of the turn -> its AbortController.

const card = (number) => find(`#turn-${number} .card`);
const numberOf = (button) => Number(button.closest(".turn").dataset.number);
const place = (number) => document.getElementById(`turn-${number}-written`);

// ---- whether the model is asked ----

function isForbidden() {
  try {
    return localStorage.getItem(FORBIDDEN) !== null;
  } catch {
    return false;
  }
}

function allow(isAllowed) {
  try {
    if (isAllowed) localStorage.removeItem(FORBIDDEN);
    else localStorage.setItem(FORBIDDEN, "yes");
  } catch {
    // Then it counts until the page is loaded anew.
  }
  if (!isAllowed) stop();
}

// ---- writing ----

/** Have the answer to a question that was just asked written; `given` is what was sent for it. */
async function begin(given, record) {
  if (!find("#allow")?.checked || !record.answer.answered) return;
  const { number } = given;
  const { talk } = talks;
  const controller = new AbortController();
  under.set(number, controller);
  try {
    const { written } = await call("ask", "write", given, { signal: controller.signal });
    if (written === undefined) throw new Failure("lost"); // It ended without a whole.
    const kept = talks.talk === talk && talk.records.find((one) => one.number === number);
    if (kept && written) finished(kept, written);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (under.get(number) === controller) withdraw(number, error);
  } finally {
    if (under.get(number) === controller) under.delete(number);
  }
}

function finished(record, written) {
  record.written = written;
  const isTrue = written.sentences.some((one) => !one.doubts.length);
  if (!isTrue || isRead(record.number)) record.shown = "own";
  talks.keep();
  if (written.sentences.length) show(record.number, record.shown ?? "written");
  follow(record.number);
}

// The documents' own words are not taken away from under a selection, or from the keyboard.
function isRead(number) {
  const own = find(".own", card(number) ?? document);
  const { anchorNode, isCollapsed } = getSelection();
  return own !== null && (own.contains(document.activeElement) || (!isCollapsed && own.contains(anchorNode)));
}

// What was shown until then goes; of a failure that the server could not tell, the page does.
function withdraw(number, { kind }) {
  const shown = place(number);
  if (!shown) return;
  shown.replaceChildren();
  if (kind === "stopped") return;
  const note = document.createElement("p");
  note.className = "unwritten";
  note.textContent = find(".allow")?.dataset.missing ?? "";
  shown.append(note);
}

/** Stop what is being written below a turn. */
function stopOne(number) {
  const controller = under.get(number);
  withdraw(number, { kind: "stopped" });
  under.delete(number);
  controller?.abort();
}

/** Stop what is being written from this turn on; everything when none is given. */
function stop(from = 0) {
  for (const number of [...under.keys()]) if (number >= from) stopOne(number);
}

// The end of what grows stays above the question box, for those who are there.
function follow(number) {
  const turn = document.getElementById(`turn-${number}`);
  if (!turn || turn.nextElementSibling) return;
  const over = turn.getBoundingClientRect().bottom - find("#dock").getBoundingClientRect().top;
  if (over > 0 && over < NEAR) scrollBy({ top: over });
}

// ---- written, or the documents' own ----

function show(number, way) {
  const shown = card(number);
  if (!shown) return;
  shown.dataset.shown = way;
  for (const button of shown.querySelectorAll("[data-act=way]")) {
    button.setAttribute("aria-pressed", String(button.dataset.way === way));
  }
}

// The button stays under the hand, whatever comes or goes above it.
function way(button) {
  const number = numberOf(button);
  const before = button.getBoundingClientRect().top;
  show(number, button.dataset.way);
  scrollBy({ top: button.getBoundingClientRect().top - before, behavior: "instant" });
  const record = talks.talk.records.find((one) => one.number === number);
  if (!record) return;
  if (button.dataset.way === "own") record.shown = "own";
  else delete record.shown;
  talks.keep();
}

on("change", (event) => {
  if (event.target.id === "allow") allow(event.target.checked);
});
on("wenju:patched", ({ detail: { id } }) => {
  const found = /^turn-(\d+)-(?:prose|written|by)$/.exec(id);
  if (found) follow(Number(found[1]));
});
on("wenju:drawn", () => {
  const tick = find("#allow");
  if (tick) tick.checked = !isForbidden();
});

window.wenju.written = {
  acts: { way, unwrite: (button) => stopOne(numberOf(button)) },
  begin,
  stop,
  get isUnderWay() {
    return under.size > 0;
  },
};
