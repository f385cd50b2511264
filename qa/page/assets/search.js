// The search: its form is kept over a redraw; filters; asking one of the documents that were found.
const { act, choice, find, go, memory, on, view } = window.wenju;

const KEPT = "wenju-search";
const root = () => find("#view-search");
const form = () => find("form.search", root());
const boxes = () => [...root().querySelectorAll("input[name=source]")];
const dates = () => [...root().querySelectorAll("input[type=date]")];

function given(count) {
  const query = find(".query", form()).value;
  const source = boxes().filter((box) => box.checked).map((box) => box.value);
  const [since = "", until = ""] = dates().map((field) => field.value);
  return { query, source, since, until, ...(count ? { count } : {}) };
}

async function search(count) {
  const asked = given(count);
  memory.set(KEPT, JSON.stringify(asked));
  form().setAttribute("aria-busy", "true");
  await act("search", "find", asked);
  form().removeAttribute("aria-busy");
}

// After a redraw (another language, a new index) what was looked for is looked for again.
async function drawn() {
  let kept;
  try {
    kept = JSON.parse(memory.get(KEPT));
  } catch {
    return;
  }
  if (!kept?.query) return;
  find(".query", form()).value = kept.query;
  for (const box of boxes()) box.checked = (kept.source ?? []).includes(box.value);
  dates().forEach((field, at) => (field.value = kept[["since", "until"][at]] ?? ""));
  showChosen();
  await search(kept.count);
}

// What is chosen stands beside the word that opens the filters, also when they are shut.
function showChosen() {
  const names = boxes().filter((box) => box.checked).map((box) => box.value);
  const [since = "", until = ""] = dates().map((field) => field.value);
  const named = names.length > 2 ? [...names.slice(0, 2), `+${names.length - 2}`] : names;
  const period = since || until ? [`${since} – ${until}`.trim()] : [];
  find(".chosen", root()).textContent = [...named, ...period].join(" · ");
}

function clear() {
  for (const box of boxes()) box.checked = false;
  for (const field of dates()) field.value = "";
  showChosen();
  if (find(".query", form()).value.trim()) search();
}

function narrow(wanted) {
  const name = wanted.trim().toLowerCase();
  for (const box of boxes()) {
    const row = box.closest("li");
    row.hidden = !row.textContent.toLowerCase().includes(name) && !box.checked;
  }
}

// Limits the questions to one document. What was looked for is offered as the question; a draft stays.
async function about(button) {
  const query = find(".query", form()).value.trim();
  await go("ask");
  choice.choose([button.dataset.source]);
  const box = find("#question");
  if (!box.value.trim()) {
    box.value = query;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  box.focus();
  box.select();
}

view("search", {
  drawn,
  shown: () => matchMedia("(max-width: 760px)").matches || find(".query", root())?.focus(),
  acts: {
    find: () => search(),
    more: (button) => search(Number(button.dataset.count)),
    clear,
    about,
  },
});

on("input", ({ target }) => target.matches?.("#view-search .narrow") && narrow(target.value));
on("change", ({ target }) => {
  if (!target.closest?.("#view-search .filters") || target.matches(".narrow")) return;
  showChosen();
  if (find(".query", form()).value.trim()) search();
});
