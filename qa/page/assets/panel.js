// The original beside a view, or on a phone the sheet over it.
const { act, find, frameActs, memory, on } = window.wenju;

const narrow = matchMedia("(max-width: 760px)");
const FACE = "wenju-face";
const ZOOM = "wenju-zoom";
const panel = () => find("#panel .panel");
const shown = () => (panel()?.dataset.reference ? JSON.parse(panel().dataset.reference) : null);
const reference = (button) => JSON.parse(button.dataset.reference);
const isSame = (one, other) =>
  one.group === other.group &&
  one.kind === other.kind &&
  one.number === other.number &&
  one.document === other.document;

let opener = null; // The button that opened the panel, to return the focus to.
let home = null; // The view that it was opened in.
let empty = ""; // What the panel holds before anything is open.
let isWanted = false; // Whether what comes next was asked for by hand.

async function open(button) {
  const wanted = reference(button);
  if (!button.closest("#panel")) opener = button;
  isWanted = true;
  const now = shown();
  if (now && isSame(now, wanted)) drawn();
  else await act("ask", "open", { reference: wanted });
  isWanted = false;
}

// Steps to the reference before or behind, whose button stands in the view.
function step(button) {
  const now = shown();
  const number = Number(button.dataset.number);
  const buttons = document.querySelectorAll("section.view [data-act=open]");
  const next = [...buttons].find((one) => isSame({ ...now, ...brief(one) }, reference(one)) && brief(one).number === number);
  if (next) open(next);

  function brief(one) {
    const { group, kind, number: at, document: file } = reference(one);
    return group === now.group && kind === now.kind ? { number: at, document: file } : {};
  }
}

function drawn() {
  const now = shown();
  if (now === null) return;
  home = document.body.dataset.view;
  document.body.classList.add("opened");
  showFace();
  showZoom();
  if (isWanted) showSheet();
  scrollToPlace();
  markCurrent();
}

function showSheet() {
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

function hide() {
  const wasSheet = document.body.classList.contains("sheet");
  document.body.classList.remove("sheet");
  if (document.body.dataset.view !== "ask") document.body.classList.remove("opened");
  if (wasSheet) opener?.focus({ preventScroll: true });
}

function forget() {
  hide();
  home = null;
  opener = null;
  if (shown() !== null) find("#panel").innerHTML = empty;
  markCurrent();
  document.body.classList.remove("opened");
}

// ---- a page as it looks, or its text ----

function showFace(chosen) {
  if (chosen) memory.set(FACE, chosen);
  const pictured = "pictured" in (panel()?.dataset ?? {});
  const face = pictured ? (memory.get(FACE) ?? "picture") : "text";
  panel().dataset.face = face;
  for (const button of document.querySelectorAll("#panel [data-act=face]")) {
    button.setAttribute("aria-pressed", String(button.dataset.face === face));
  }
}

function scrollToPlace() {
  scrollTo(find("#panel .original"), find("#panel .original mark"));
  scrollTo(find("#panel .picture"), find("#panel .picture .frame"));
}

function scrollTo(frame, place) {
  if (!frame || !place) return;
  const first = place.getClientRects()[0] ?? place.getBoundingClientRect();
  const edge = frame.getBoundingClientRect();
  frame.scrollTop += first.top - edge.top - frame.clientHeight / 5;
  frame.scrollLeft += first.left - edge.left - 24;
}

function showZoom() {
  const isZoomed = memory.get(ZOOM) === "yes";
  panel().toggleAttribute("data-zoomed", isZoomed);
  find("#panel [data-act=zoom]")?.setAttribute("aria-pressed", String(isZoomed));
}

function markCurrent() {
  const now = shown();
  for (const button of document.querySelectorAll("section.view [data-act=open]")) {
    const isCurrent = now !== null && isSame(reference(button), now);
    button.toggleAttribute("data-current", isCurrent);
  }
}

Object.assign(frameActs, {
  open,
  step,
  close: hide,
  face: (button) => {
    showFace(button.dataset.face);
    scrollToPlace();
  },
  zoom: () => {
    memory.set(ZOOM, memory.get(ZOOM) === "yes" ? null : "yes");
    showZoom();
    scrollToPlace();
  },
});

on("wenju:patched", ({ detail: { id } }) => {
  if (id === "panel") drawn();
  else markCurrent();
});
on("wenju:drawn", () => (empty = find("#panel").innerHTML));
on("wenju:view", ({ detail: { name } }) => {
  document.body.classList.toggle("opened", home === name && shown() !== null);
  document.body.classList.remove("sheet");
});
on("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) hide();
});

window.wenju.panel = { forget, hide, shown, again: (now) => act("ask", "open", { reference: now }) };
