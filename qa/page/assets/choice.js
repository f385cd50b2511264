// Which documents are asked: kept for each conversation, and shown as a chip above the question box.
const { find, on, talks, undirected } = window.wenju;

const CHOICE = "wenju-choice-";
let talking = null; // The conversation that the choice belongs to; null for one not kept yet.

const store = () => (talks.talk.id === null ? sessionStorage : localStorage);
const keyOf = (id) => CHOICE + (id ?? "");
const shortName = (source) => source.split("/").at(-1);

function chosen() {
  try {
    const found = JSON.parse(store().getItem(keyOf(talks.talk.id)));
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

function choose(sources) {
  if (sources.length) store().setItem(keyOf(talks.talk.id), JSON.stringify(sources));
  else store().removeItem(keyOf(talks.talk.id));
  drawn();
}

// A conversation that is kept from now on takes its choice along.
function settled() {
  const { id } = talks.talk;
  const fresh = sessionStorage.getItem(keyOf(null));
  if (talking === null && id !== null && fresh !== null) {
    localStorage.setItem(keyOf(id), fresh);
    sessionStorage.removeItem(keyOf(null));
  }
  talking = id;
  drawn();
}

// Another conversation was taken up, with a choice of its own.
function turned() {
  if (talking !== null && talks.talk.id === null) sessionStorage.removeItem(keyOf(null));
  talking = talks.talk.id;
  drawn();
}

const { keep, remove: forget } = talks;
talks.keep = () => {
  keep();
  settled();
};
talks.remove = (id) => {
  forget(id);
  localStorage.removeItem(keyOf(id));
};

// ---- the chip ----

function drawn() {
  const sources = chosen();
  const chip = find("#choice");
  if (!chip) return;
  chip.hidden = !sources.length;
  const [one, many] = [chip.dataset.one, chip.dataset.many];
  const name = find(".chosen", chip);
  name.textContent = sources.length === 1
    ? one.replace("{name}", () => undirected(shortName(sources[0])))
    : many.replace("{count}", sources.length);
  name.title = undirected(sources.slice(0, 20).join("\n"));
  document.dispatchEvent(new Event("wenju:chosen"));
}

on("click", (event) => {
  if (!event.target.closest?.("#choice .all")) return;
  choose([]);
  find("#question").focus();
});
on("wenju:patched", ({ detail: { id } }) => id === "conversation" && turned());
on("wenju:drawn", turned);

window.wenju.choice = { choose, chosen };
