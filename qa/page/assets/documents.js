// Documents in the browser: uploads, the progress of a rebuild, and ticking those to be asked.
const { act, call, choice, find, go, on, say, send, token, undirected, view, Failure } = window.wenju;

const WORDS = {
  zh: {
    queued: "等待中",
    added: "已上传",
    renamed: "已上传，存为“{name}”",
    taken: "已上传，存为“{name}”：同名的文件内容不同，两个都保留",
    same: "内容与“{source}”相同，没有重复收入",
    large: "有 {size} MB，每个文件最多 {largest} MB，没有上传；请拆分后再传",
    lost: "连接中断，没有上传",
    again: "重试",
    some: "已上传 {count} 个文件，正在收入索引",
    closed: "这个页面是只读的，不能上传",
    none: "没有可上传的文件",
  },
  en: {
    queued: "Waiting",
    added: "Uploaded",
    renamed: "Uploaded as “{name}”",
    taken: "Uploaded as “{name}”: another file has the same name; both are kept",
    same: "Same content as “{source}”; not taken twice",
    large: "It has {size} MB; at most {largest} MB a file are taken. Split it and try again",
    lost: "The connection was lost; not uploaded",
    again: "Try again",
    some: "{count} files uploaded; they are being taken into the index",
    closed: "This page is read-only; nothing can be uploaded",
    none: "There was no file to upload",
  },
};
const said = (key, parts = {}) =>
  (WORDS[window.wenju.language] ?? WORDS.en)[key].replace(/\{(\w+)\}/g, (_, name) => parts[name]);

const root = () => find("#view-documents");
const isHere = () => document.body.dataset.view === "documents";
const sleep = (time) => new Promise((done) => setTimeout(done, time));

// ---- the list ----

let group = "";
const words = () => find("#view-documents [name=words]")?.value ?? "";
const look = () => ({ words: words(), group });
const drawnRows = () => ({ ...look(), rows: String(find("#documents-rows")?.rows.length ?? 0) });

// One after the other: what comes back must not be older than what is shown.
let last = Promise.resolve();
const inTurn = (step) => (last = last.then(step, step));

async function refresh() {
  if (!root() || !("loaded" in root().dataset)) return;
  const reply = await inTurn(() => act("documents", "list", { ...drawnRows(), chosen: choice.chosen() }));
  if (!reply) return;
  choice.choose(reply.chosen);
  if (reply.running) watch();
}

async function narrow() {
  await inTurn(() => act("documents", "find", look()));
}

let typed = null;
on("input", (event) => {
  if (!event.target.matches?.("#view-documents [name=words]")) return;
  clearTimeout(typed);
  typed = setTimeout(narrow, 150);
});

async function change(name, button) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  const reply = await inTurn(() => act("documents", name, { ...drawnRows(), source: button.dataset.source }));
  button.removeAttribute("aria-busy");
  if (reply?.said) say(reply.said);
}

// ---- the rebuild ----

const STEP = 400;
const IDLE = 5_000;
const PATIENCE = 40; // Polls that may fail, one after the other, while the server is started anew.
let watching = false;
let seen = null; // What the server said of rebuilds last.

async function progress() {
  try {
    return await call("documents", "progress", look());
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

async function watch() {
  if (watching) return;
  watching = true;
  for (let missed = 0; missed < PATIENCE && !window.wenju.life.signal.aborted; ) {
    const reply = await progress();
    missed = reply === null ? missed + 1 : 0;
    if (reply) seen = reply;
    if (reply && !reply.running) break;
    await sleep(STEP);
  }
  watching = false;
  await refresh();
  document.dispatchEvent(new Event("visibilitychange")); // The frame looks at the index at once.
}

// Another tab may begin a rebuild, another program may write.
async function idle() {
  await sleep(IDLE);
  if (window.wenju.life.signal.aborted) return;
  if (isHere() && !document.hidden && !watching) {
    const before = seen;
    const reply = await progress();
    if (reply) seen = reply;
    if (reply?.running) watch();
    else if (reply && before && (reply.number !== before.number || reply.other !== before.other)) refresh();
  }
  idle();
}

async function rebuild() {
  const reply = await act("documents", "rebuild", look());
  if (reply) watch();
}

// ---- uploads ----

const AT_ONCE = 3;
const MEGABYTE = 1048576;
let queue = [];
let busy = 0;
let added = 0;

function upload(files) {
  const list = find("#documents-uploads");
  if (!list) {
    say(said("closed"));
    return;
  }
  if (!files.length) say(said("none"));
  for (const file of files) queue.push({ file, row: row(list, file) });
  for (let more = Math.min(AT_ONCE - busy, queue.length); more > 0; more--) {
    busy += 1;
    work();
  }
}

function row(list, file) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = undirected(file.name);
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", name.textContent);
  const state = document.createElement("span");
  state.className = "outcome";
  state.textContent = said("queued");
  item.append(name, bar, state);
  list.append(item);
  item.scrollIntoView({ block: "nearest" });
  return item;
}

async function work() {
  while (queue.length) await take(queue.shift());
  busy -= 1;
  if (busy === 0 && added > 0) {
    say(said("some", { count: added }));
    added = 0;
    await rebuild();
    await refresh();
  }
}

async function take({ file, row: item }) {
  const largest = Number(find("#view-documents .drop")?.dataset.largest ?? Infinity);
  if (file.size > largest) {
    const [size, most] = [Math.ceil(file.size / MEGABYTE), Math.floor(largest / MEGABYTE)];
    settle(item, "bad", said("large", { size, largest: most }));
    return;
  }
  const reply = await sent(file, find("progress", item));
  if (reply === null) {
    settle(item, "bad", said("lost"));
    again(item, file);
  } else if (reply.error) {
    settle(item, "bad", reply.error);
  } else if (reply.new) {
    added += 1;
    settle(item, "good", keptAs(file.name, reply));
  } else {
    settle(item, "same", said("same", { source: reply.source }));
  }
}

// The name may be another file's already, or could not be kept as it was.
function keptAs(given, { source, taken }) {
  const name = source.split("/").at(-1);
  if (taken) return said("taken", { name });
  return name === given.normalize("NFC") ? said("added") : said("renamed", { name });
}

function settle(item, outcome, sentence) {
  item.dataset.outcome = outcome;
  find(".outcome", item).textContent = sentence;
}

function again(item, file) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = said("again");
  on("click", () => {
    item.remove();
    upload([file]);
  }, button);
  item.append(button);
}

// Returns what the server says, or null when nothing can be sent.
async function sent(file, bar, isAgain = false) {
  let key;
  try {
    key = await token();
  } catch {
    return null;
  }
  const { status, reply } = await post(file, bar, key);
  if (status !== 403 || isAgain) return reply;
  await send("/wenju/act/documents/progress", { body: "{}" }).catch(() => null); // A new token.
  return sent(file, bar, true);
}

function post(file, bar, key) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ name: file.name, language: window.wenju.language });
    request.open("POST", `wenju/documents/upload?${query}`);
    request.setRequestHeader("x-wenju-token", key);
    request.responseType = "json";
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    };
    request.onload = () => done({ status: request.status, reply: request.status < 300 ? request.response : null });
    request.onerror = () => done({ status: 0, reply: null });
    request.send(file);
  });
}

// ---- dropping: anywhere on the page; folders are gone through ----

const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
let leaving = null;

function over(is) {
  clearTimeout(leaving);
  document.body.toggleAttribute("data-dropping", is);
}

on("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  over(true);
  leaving = setTimeout(() => over(false), 400);
});
on("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  over(false);
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const loose = [...event.dataTransfer.files];
  await go("documents");
  upload(entries.some(Boolean) ? await filesOf(entries) : loose);
});

async function filesOf(entries) {
  const found = [];
  for (const entry of entries) {
    if (!entry || entry.name.startsWith(".")) continue;
    if (entry.isFile) found.push(await new Promise((done, lost) => entry.file(done, lost)));
    else found.push(...(await filesOf(await listed(entry.createReader()))));
  }
  return found;
}

// A folder tells its entries in parts, until it tells none.
async function listed(reader) {
  const part = await new Promise((done, lost) => reader.readEntries(done, lost));
  return part.length ? [...part, ...(await listed(reader))] : [];
}

on("change", (event) => {
  if (event.target.id !== "documents-files") return;
  upload([...event.target.files]);
  event.target.value = "";
});

// ---- which documents are asked ----

function drawPicks() {
  const sources = choice.chosen();
  for (const box of document.querySelectorAll("#view-documents [data-pick]")) {
    box.checked = sources.includes(box.dataset.pick);
  }
  const bar = find("#documents-chosen");
  if (!bar) return;
  bar.hidden = !sources.length;
  find(".count", bar).textContent = bar.dataset.picked.replace("{count}", sources.length);
}

on("change", (event) => {
  const source = event.target.dataset?.pick;
  if (source === undefined) return;
  const others = choice.chosen().filter((one) => one !== source);
  choice.choose(event.target.checked ? [...others, source] : others);
});
on("wenju:chosen", drawPicks);
on("wenju:patched", ({ detail: { id } }) => {
  if (id.startsWith("documents-") || id === "view-documents") drawPicks();
});

// ---- a document as it was read ----

async function read(button) {
  const { document: id, source } = button.dataset;
  button.setAttribute("aria-busy", "true");
  const reply = await act("documents", "view", { document: id, source });
  button.removeAttribute("aria-busy");
  const sheet = find("#documents-read");
  if (reply === null || sheet.open) return;
  sheet.showModal();
  find(".blocks", sheet).scrollTop = 0;
  find("h2", sheet).focus({ preventScroll: true });
}

on("click", (event) => {
  if (event.target.id === "documents-read") event.target.close(); // Beside the sheet.
});

view("documents", {
  shown: async () => {
    drawPicks();
    seen = (await progress()) ?? seen;
    if (seen?.running) watch();
  },
  drawn: () => {
    group = "";
    drawPicks();
  },
  stale: refresh,
  acts: {
    find: narrow,
    group: (button) => {
      group = button.dataset.group;
      narrow();
    },
    more: (button) => inTurn(() => act("documents", "more", { ...look(), start: button.dataset.start })),
    rebuild,
    remove: (button) => change("remove", button),
    restore: (button) => change("restore", button),
    view: read,
    "close-read": () => find("#documents-read").close(),
    "ask-these": () => go("ask"),
    clear: () => choice.choose([]),
  },
});
idle();
