// The conversations that this browser keeps; the server knows none of them.
const { call, download, find, memory, on, say, undirected, words, Failure } = window.wenju;

const LIST = "wenju-talks"; // [{id, name, at}], the newest first.
const CURRENT = "wenju-talk"; // The one in this tab.
const keyOf = (id) => `wenju-talk-${id}`;

function stored(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

const list = () => stored(LIST, []).filter((one) => one && typeof one.id === "string");
let talk = fresh();

function fresh() {
  return { id: null, name: "", records: [] };
}

function store(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    say(find("#dock .box").dataset.full);
  }
}

/** Keep what was said in this tab's conversation. */
function keep() {
  if (!talk.records.length) return;
  if (talk.id === null) {
    talk.id = Date.now().toString(36) + Math.random().toString(36).slice(2, 8);
    memory.set(CURRENT, talk.id);
  }
  talk.name ||= talk.records[0].question;
  store(keyOf(talk.id), talk.records);
  const about = { id: talk.id, name: talk.name, at: Date.now() };
  store(LIST, [about, ...list().filter((one) => one.id !== talk.id)]);
  drawList();
  document.dispatchEvent(new Event("wenju:kept"));
}

/** Take up a conversation that was kept, or a new one for null; true when there is something. */
function take(id) {
  if (id !== null && id === talk.id && talk.records.length) {
    drawList();
    return true;
  }
  const about = list().find((one) => one.id === id);
  const records = about ? stored(keyOf(id), []) : [];
  talk = about ? { id, name: about.name, records } : fresh();
  memory.set(CURRENT, about ? id : null);
  drawList();
  return records.length > 0;
}

function remove(id) {
  store(keyOf(id), null);
  store(LIST, list().filter((one) => one.id !== id));
  if (id === talk.id) talk = fresh();
  drawList();
}

function rename(id, name) {
  const wanted = name.trim();
  if (wanted) {
    store(LIST, list().map((one) => (one.id === id ? { ...one, name: wanted } : one)));
    if (id === talk.id) talk.name = wanted;
  }
  drawList();
}

// ---- the list ----

function drawList() {
  const rows = find("#talk-list");
  if (!rows) return;
  rows.replaceChildren(...list().map(row));
  find("#talks").toggleAttribute("data-empty", rows.children.length === 0);
  find("#talks").toggleAttribute("data-unsaid", talk.records.length === 0);
  document.body.classList.toggle("talks", rows.children.length > 0);
}

function row(about) {
  const made = find("#talk-row").content.cloneNode(true).firstElementChild;
  made.dataset.id = about.id;
  const name = find(".name", made);
  name.textContent = undirected(about.name);
  if (about.id === talk.id) name.setAttribute("aria-current", "true");
  return made;
}

const idOf = (button) => button.closest("[data-id]").dataset.id;

// The name becomes a field; Enter or leaving it keeps what stands there, Escape does not.
function startRename(button) {
  const item = button.closest("[data-id]");
  const field = document.createElement("input");
  field.value = find(".name", item).textContent;
  field.className = "field name";
  field.setAttribute("aria-label", find("#talk-list").dataset.rename);
  find(".name", item).replaceWith(field);
  field.focus();
  field.select();
  let isDone = false;
  const end = (name) => {
    if (isDone) return;
    isDone = true;
    rename(item.dataset.id, name);
  };
  on("blur", () => end(field.value), field);
  on("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") end(field.value);
    if (event.key === "Escape") end("");
    if (event.key === "Enter" || event.key === "Escape") event.stopPropagation();
  }, field);
}

async function exportTalk(button) {
  const given = { records: talk.records, name: talk.name, form: button.dataset.form };
  try {
    download(await call("ask", "export", given));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(error.sentence || words().failed);
  }
}

// A menu closes when something else is clicked, or with Escape.
on("click", (event) => {
  const menu = find("#talks");
  if (menu?.open && !menu.contains(event.target) && event.target.isConnected) menu.open = false;
});
on("keydown", (event) => {
  if (event.key === "Escape" && find("#talks")?.open) {
    find("#talks").open = false;
    find("#talk-name").focus();
  }
});
on("storage", (event) => event.key === LIST && drawList(), window);

window.wenju.talks = {
  drawList,
  exportTalk,
  idOf,
  keep,
  remove,
  startRename,
  take,
  here: () => memory.get(CURRENT),
  get talk() {
    return talk;
  },
};
