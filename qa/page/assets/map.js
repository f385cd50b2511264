// The map: draws the points, tells of the one under pointer or keys, and places a question.
const { act, find, frameActs, on, talks, undirected, view } = window.wenju;

const SVG = "http://www.w3.org/2000/svg";
const STYLES = 8;
const ROUNDS = 3;
const SHAPES = [
  "M0-4.4A4.4 4.4 0 1 1 0 4.4A4.4 4.4 0 1 1 0-4.4Z",
  "M-4-4H4V4H-4Z",
  "M0-5.2 5.2 4.2H-5.2Z",
  "M0-5.6 5.6 0 0 5.6-5.6 0Z",
];
const STAR = "M0-9 2.6-3.2 8.8-2.8 4-1.2 5.6 7.4 0 4-5.6 7.4-4 1.2-8.8-2.8-2.6-3.2Z";
const FARTHEST = 1;
const NEAREST = 12;
const REACH = 22; // Pixels from a point within which it is meant.

const root = () => find("#view-map");
const svg = () => find(".picture-frame > svg", root());
const field = () => find("input[name=question]", root());

let data = null; // {documents, points} of the index.
let dots = []; // One for each point: {x, y, document, offset, text, node}.
let hits = []; // What a question found and is no dot: of a big corpus only some passages are.
let placed = null; // The question that is drawn in, or null.
let only = null; // The document that is seen alone, or null.
let chosen = null; // The dot under pointer or keys.
let camera = { x: 0, y: 0, zoom: FARTHEST };

function make(name, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function styleOf(number) {
  if (number >= STYLES * ROUNDS) return "rest";
  return `c${number % STYLES} s${(number + Math.floor(number / STYLES)) % 4}`;
}

function shape(style) {
  const number = /s(\d)/.exec(style)?.[1] ?? 0;
  return make("path", { d: SHAPES[number] });
}

// ---- drawing ----

async function draw() {
  if (!svg()) return;
  only = null;
  chosen = null;
  camera = { x: 0, y: 0, zoom: FARTHEST };
  data = await act("map", "points");
  if (!data || !svg()) return;
  dots = data.points.map(([x, y, number, offset, text]) => dot(x, y, number, offset, text));
  svg().replaceChildren(
    make("g", { class: "dots" }, ...dots.map((one) => one.node)),
    make("g", { class: "question" }),
    make("g", { class: "ring", visibility: "hidden" }, make("circle", { r: 9 })),
  );
  for (const swatch of root().querySelectorAll(".swatch")) {
    swatch.replaceChildren(shape(swatch.getAttribute("class")));
  }
  place();
  frame.disconnect();
  frame.observe(svg());
  if (placed) await ask(placed.question);
}

function dot(x, y, number, offset, text) {
  const node = make("g", { class: `dot ${styleOf(number)}` });
  node.append(shape(node.getAttribute("class")));
  return { x, y: -y, number, document: data.documents[number], offset, text, node };
}

// A panel beside the picture makes it smaller as well as a smaller window does. What is drawn while
// it is hidden finds its places when it is shown.
const frame = new ResizeObserver(place);

// How much of the picture a pixel is: the square stands in the middle of a frame of any form.
function pixel() {
  const { width, height } = svg().getBoundingClientRect();
  return 2.16 / Math.max(Math.min(width, height), 1);
}

// Points keep their size on the screen at any zoom.
function at(x, y, size) {
  const { zoom } = camera;
  return `translate(${(x - camera.x) * zoom} ${(y - camera.y) * zoom}) scale(${size})`;
}

function place() {
  if (!svg()) return;
  const size = pixel();
  for (const one of dots) one.node.setAttribute("transform", at(one.x, one.y, size));
  for (const node of svg().querySelectorAll(".question > [data-x]")) {
    node.setAttribute("transform", at(Number(node.dataset.x), Number(node.dataset.y), size));
  }
  for (const line of svg().querySelectorAll(".question > line")) placeLine(line);
  if (chosen) find(".ring", svg()).setAttribute("transform", at(chosen.x, chosen.y, size));
  const isWhole = camera.zoom === FARTHEST;
  svg().toggleAttribute("data-zoomed", !isWhole);
  find("[data-act=farther]", root()).disabled = isWhole;
  find("[data-act=whole]", root()).disabled = isWhole;
  find("[data-act=nearer]", root()).disabled = camera.zoom >= NEAREST;
}

function placeLine(line) {
  const { zoom } = camera;
  const [x1, y1, x2, y2] = line.dataset.ends.split(" ").map(Number);
  line.setAttribute("x1", (x1 - camera.x) * zoom);
  line.setAttribute("y1", (y1 - camera.y) * zoom);
  line.setAttribute("x2", (x2 - camera.x) * zoom);
  line.setAttribute("y2", (y2 - camera.y) * zoom);
}

// ---- zoom and pan ----

function zoomTo(zoom, about = { x: camera.x, y: camera.y }) {
  const wanted = Math.min(NEAREST, Math.max(FARTHEST, zoom));
  const keep = camera.zoom / wanted; // What stands at `about` stays there.
  moveTo(about.x + (camera.x - about.x) * keep, about.y + (camera.y - about.y) * keep, wanted);
}

function moveTo(x, y, zoom = camera.zoom) {
  const room = 1 - 1 / zoom;
  const within = (value) => Math.min(room, Math.max(-room, value));
  camera = { x: within(x), y: within(y), zoom };
  hideTip();
  place();
}

// Where a pointer is, in the coordinates of the points.
function pointed(event) {
  const box = svg().getBoundingClientRect();
  const size = pixel() / camera.zoom;
  return {
    x: camera.x + (event.clientX - box.left - box.width / 2) * size,
    y: camera.y + (event.clientY - box.top - box.height / 2) * size,
  };
}

const pointers = new Map();
let dragged = 0;

function pressed(event) {
  if (event.target.closest?.(".picture-frame > svg") !== svg() || !svg()) return;
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  dragged = 0;
}

function moved(event) {
  const before = pointers.get(event.pointerId);
  if (before) drag(event, before);
  else if (event.target.closest?.(".picture-frame > svg") && event.pointerType === "mouse") {
    choose(nearestTo(event), false);
  }
}

function drag(event, before) {
  const apart = () => {
    const [one, other] = [...pointers.values()];
    return Math.hypot(one.x - other.x, one.y - other.y);
  };
  const was = pointers.size === 2 ? apart() : 0;
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  const [right, down] = [event.clientX - before.x, event.clientY - before.y];
  dragged += Math.hypot(right, down);
  if (pointers.size === 2) zoomTo((camera.zoom * apart()) / Math.max(was, 1));
  else if (camera.zoom > FARTHEST) {
    const size = pixel() / camera.zoom;
    moveTo(camera.x - right * size, camera.y - down * size);
  }
}

function released(event) {
  if (!pointers.delete(event.pointerId) || event.type === "pointercancel") return;
  if (dragged > 6) return;
  const meant = nearestTo(event);
  if (!meant) {
    choose(null);
    return;
  }
  // A finger sees first what it has touched, and opens it with a second touch.
  const isSeen = event.pointerType === "mouse" || chosen === meant;
  choose(meant);
  if (isSeen) open(meant);
}

function wheeled(event) {
  if (!event.target.closest?.(".picture-frame > svg") || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  zoomTo(camera.zoom * Math.exp(-event.deltaY / 300), pointed(event));
}

function nearestTo(event) {
  const here = pointed(event);
  const reach = (REACH * pixel()) / camera.zoom;
  let best = null;
  let least = reach * reach;
  for (const one of seen()) {
    const apart = (one.x - here.x) ** 2 + (one.y - here.y) ** 2;
    if (apart <= least) [best, least] = [one, apart];
  }
  return best;
}

const seen = () => [...dots, ...hits].filter((one) => only === null || one.number === only);

// ---- the point that is looked at ----

function choose(one, isRead = true) {
  chosen = one;
  const ring = find(".ring", svg());
  ring.setAttribute("visibility", one ? "visible" : "hidden");
  if (!one) {
    hideTip();
    return;
  }
  ring.setAttribute("transform", at(one.x, one.y, pixel()));
  showTip(one);
  if (isRead) find("#map-read", root()).textContent = `${one.text} ${one.document[1]}`;
}

function showTip(one) {
  const tip = find(".tip", root());
  const text = document.createElement("p");
  text.textContent = one.text;
  const source = document.createElement("p");
  source.className = "where";
  source.textContent = one.document[1];
  tip.replaceChildren(text, source);
  tip.hidden = false;
  const frame = find(".picture-frame", root()).getBoundingClientRect();
  const spot = one.node.getBoundingClientRect();
  const left = spot.left + spot.width / 2 - frame.left - tip.offsetWidth / 2;
  const above = spot.top - frame.top - tip.offsetHeight - 10;
  tip.style.left = `${Math.max(4, Math.min(left, frame.width - tip.offsetWidth - 4))}px`;
  tip.style.top = `${above > 4 ? above : spot.bottom - frame.top + 10}px`;
}

function hideTip() {
  const tip = find(".tip", root());
  if (tip) tip.hidden = true;
}

async function open(one, node = one.node) {
  const given = { document: one.document[0], offset: String(one.offset) };
  const found = await act("map", "reference", given);
  if (!found?.reference) return;
  node.dataset.reference = found.reference;
  await frameActs.open(node);
}

// ---- keys ----

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function keyed(event) {
  if (event.target !== svg() || event.ctrlKey || event.metaKey || event.altKey) return;
  const way = WAYS[event.key];
  if (way) step(way);
  else if (event.key === "Enter" && chosen) open(chosen, svg());
  else if (event.key === "+" || event.key === "=") nearer();
  else if (event.key === "-") farther();
  else if (event.key === "0") whole();
  else return;
  event.preventDefault();
}

// The next point in a direction: near, and not far to the side.
function step([right, down]) {
  const from = chosen ?? { x: camera.x, y: camera.y };
  let best = null;
  let least = Infinity;
  for (const one of seen()) {
    const [x, y] = [one.x - from.x, one.y - from.y];
    const ahead = x * right + y * down;
    const aside = Math.abs(x * down) + Math.abs(y * right);
    const cost = ahead + 2 * aside;
    if (one !== chosen && ahead > 1e-6 && aside <= 2 * ahead && cost < least) {
      [best, least] = [one, cost];
    }
  }
  if (!best) return;
  keepInSight(best);
  choose(best);
}

function keepInSight(one) {
  const half = 1 / camera.zoom;
  const isOut = Math.abs(one.x - camera.x) > half || Math.abs(one.y - camera.y) > half;
  if (isOut) moveTo(one.x, one.y);
}

const about = () => (chosen ? { x: chosen.x, y: chosen.y } : undefined);
const nearer = () => zoomTo(camera.zoom * 1.6, about());
const farther = () => zoomTo(camera.zoom / 1.6, about());
const whole = () => moveTo(0, 0, FARTHEST);

// ---- one document alone ----

function showOnly(button) {
  const number = Number(button.dataset.document);
  only = only === number ? null : number;
  for (const other of root().querySelectorAll("[data-act=only]")) {
    other.setAttribute("aria-pressed", String(Number(other.dataset.document) === only));
  }
  for (const one of dots) {
    one.node.classList.toggle("dim", only !== null && one.number !== only);
  }
  choose(null);
}

// ---- the question ----

async function ask(question) {
  placed = question ? { question } : null;
  hits = [];
  const found = await act("map", "place", { question });
  if ((placed?.question ?? "") !== question) return; // Another was asked meanwhile.
  const group = find(".question", svg());
  group?.replaceChildren();
  if (!found?.hits?.length || !group) return;
  const drawn = found.hits.map(hit);
  const lines = drawn.map((one) => line(found, one));
  group.append(...lines, ...drawn.map((one) => one.node).reverse(), star(found, question));
  hits = drawn.filter((one) => !dots.some((other) => isSame(one, other)));
  place();
}

const isSame = (one, other) => one.document[0] === other.document[0] && one.offset === other.offset;

function hit([x, y, id, offset, source, text], rank) {
  const number = data.documents.findIndex(([other]) => other === id);
  const style = number < 0 ? "rest" : styleOf(number);
  const label = make("text", { "text-anchor": "middle", dy: "0.36em" });
  label.textContent = String(rank + 1);
  const node = make("g", { class: `hit ${style}`, "data-x": x, "data-y": -y });
  node.append(make("circle", { r: 9 }), label);
  return { x, y: -y, number, document: [id, source], offset, text, node };
}

function line(from, to) {
  return make("line", { "data-ends": `${from.x} ${-from.y} ${to.x} ${to.y}` });
}

function star({ x, y }, question) {
  const title = make("title");
  title.textContent = `${svg().dataset.asked}: ${undirected(question)}`;
  const node = make("g", { class: "star", "data-x": x, "data-y": -y });
  node.append(title, make("path", { d: STAR }));
  return node;
}

function asked() {
  const last = talks.talk.records.at(-1)?.answer;
  return last && last.reason !== "small_talk" ? last.question : "";
}

// The question of the conversation is drawn in, unless another was written here.
let ofTalk = "";
async function shown() {
  if (!svg()) return;
  place();
  const question = asked();
  if (!question || question === ofTalk) return;
  ofTalk = question;
  field().value = question;
  if (dots.length) await ask(question);
  else placed = { question };
}

// ---- the same as a list ----

function list(details) {
  const rows = find(".rows", details);
  if (!details.open || rows.children.length || !data) return;
  data.documents.forEach(([, source], number) => {
    const heading = document.createElement("h3");
    heading.textContent = source;
    const items = document.createElement("ul");
    items.append(...dots.filter((one) => one.number === number).map(item));
    rows.append(heading, items);
  });
}

function item(one) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.act = "row";
  button.dataset.number = dots.indexOf(one);
  button.textContent = one.text;
  const row = document.createElement("li");
  row.append(button);
  return row;
}

view("map", {
  drawn: () => {
    const kept = placed?.question ?? asked();
    ofTalk = asked();
    if (field()) field().value = kept;
    placed = kept ? { question: kept } : null;
    draw();
  },
  shown,
  acts: {
    draw: () => ask(field().value.trim()),
    nearer,
    farther,
    whole,
    only: showOnly,
    row: (button) => open(dots[Number(button.dataset.number)], button),
  },
});

// Whoever turns to the map quickly is here before the answer is.
on("wenju:kept", () => document.body.dataset.view === "map" && shown());
// An emptied field wipes the question off.
on("input", ({ target }) => target === field() && !target.value && placed && ask(""));
on("pointerdown", pressed);
on("pointermove", moved);
on("pointerup", released);
on("pointercancel", released);
on("pointerout", (event) => {
  if (event.pointerType === "mouse" && event.target === svg()) choose(null);
});
on("wheel", wheeled, document, { passive: false });
on("keydown", keyed);
on("toggle", (event) => event.target.matches?.("#view-map .listed") && list(event.target), document, {
  capture: true,
});
