// Draws what a card opens to, and filters the cards. Words of documents go in as text, never as HTML.
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const cards = [...document.querySelectorAll(".card")];
  const search = document.getElementById("search");
  const openAll = document.getElementById("open");
  const chosen = { state: "all", file: "", label: "", words: [] };
  const drawn = new Map();
  const MOST_OPENED = 100;
  let language = navigator.language.startsWith("zh") ? "zh" : "en";
  let timer = 0;

  const say = (key) => page.words[language][key] ?? key;
  const kept = (number) => page.texts[number];
  const folded = (text) => text.normalize("NFKC").toLowerCase();

  function el(name, className, ...children) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children.filter((child) => child !== null && child !== undefined).flatMap(still));
    return made;
  }

  // A character that turns the order of others gets a box of its own: there is nothing to turn in it.
  function still(child) {
    if (typeof child !== "string") return [child];
    return child.split(/([\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])/).map((part, at) => {
      if (at % 2 === 0) return part;
      const box = document.createElement("span");
      box.className = "turning";
      box.textContent = part;
      return box;
    });
  }

  // ---- a card's details ----

  // Offsets count whole characters, of which some are two units of a string.
  function painted(text, marks, golds) {
    const characters = [...text];
    const inside = (spans, at) => spans.some(([start, end]) => start <= at && at < end);
    const edges = new Set([0, characters.length, ...marks.flat(), ...golds.flat()]);
    const cuts = [...edges].sort((one, other) => one - other);
    return cuts.slice(1).map((end, before) => {
      const start = cuts[before];
      const words = characters.slice(start, end).join("");
      const gold = inside(golds, start) ? el("u", "gold", words) : words;
      return inside(marks, start) ? el("mark", "", gold) : gold;
    });
  }

  // Where any of these words stand as they are.
  function places(text, words) {
    const found = [];
    for (const word of words.filter(Boolean)) {
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
        const start = [...text.slice(0, at)].length;
        found.push([start, start + [...word].length]);
      }
    }
    return found;
  }

  const text = (words, className = "") => el("span", `text ${className}`, words);
  const lines = (items) => el("ol", "", ...items.map((item) => el("li", "", item)));

  function row(key, ...content) {
    return el("div", `row ${key.replace(" ", "-")}`, el("dt", "", say(key)), el("dd", "", ...content));
  }

  function fact(key, value, className = "fact") {
    return el("span", className, `${say(key)} `, el("b", "", value));
  }

  function answer(asked) {
    if (!asked.answered) return row("answer", el("span", "refusal", say(asked.reason ?? "refused")));
    const sentences = asked.sentences.map((one) =>
      el("p", "text", ...painted(one.text, one.marks, one.gold), el("sup", "", String(one.number))),
    );
    return row("answer", ...sentences);
  }

  function source(one) {
    const place = `${one.source} ${one.start}–${one.end}`;
    const quote = el("q", "text", ...painted(one.quote, [], one.gold));
    return el("p", "", el("sup", "", String(one.number)), quote, el("small", "text", place));
  }

  function gold(asked) {
    const { items } = asked.gold;
    if (!items.length) return row("gold", el("span", "refusal", say("unanswerable")));
    const shown = items.map((item) =>
      el("p", "item", ...item.flatMap((one, at) => [
        at ? el("small", "", ` ${say("or")} `) : null,
        text(one),
      ])),
    );
    return row("gold", ...shown);
  }

  function evidence(asked) {
    const { evidence: pieces, context, places: standing, items } = asked.gold;
    if (context !== undefined) {
      const whole = el("q", "text", ...painted(kept(context), [], standing));
      return row("evidence", el("p", "", whole, el("small", "text", pieces[0].source)));
    }
    return row("evidence", ...pieces.map((piece) =>
      el("p", "", ...piece.quotes.flatMap((quote, at) => [
        at ? el("small", "", ` ${say("or")} `) : null,
        el("q", "text", ...painted(quote, [], places(quote, items.flat()))),
      ]), el("small", "text", piece.source)),
    ));
  }

  const LESS_IS_BETTER = ["false_refusal"];

  function figure(name, value) {
    const good = LESS_IS_BETTER.includes(name) ? 1 - value : value;
    const state = name === "answered" ? "" : good === 1 ? "good" : good === 0 ? "bad" : "half";
    const made = el("span", `figure ${state}`, `${name} `, el("b", "", String(+value.toFixed(2))));
    const key = `figure ${name}`;
    if (page.words[language][key]) made.title = say(key);
    return made;
  }

  function why(asked) {
    const facts = [];
    if (asked.support !== null) facts.push(fact("support", asked.support.toFixed(2)));
    if (asked.support !== null && asked.least !== null) facts.push(fact("least", asked.least.toFixed(2)));
    if (asked.gold.evidence.length) facts.push(fact("rank", String(asked.rank ?? say("not found"))));
    if (asked.milliseconds !== null) facts.push(fact("time", `${asked.milliseconds} ms`));
    const figures = Object.entries(asked.figures).map(([name, value]) => figure(name, value));
    return row("why", el("p", "facts", ...facts), el("p", "facts", ...figures));
  }

  function passage(one, items) {
    const whole = kept(one.opening);
    const golds = one.gold ? places(whole, items.flat()) : [];
    const scores = [
      fact("score", one.score.toFixed(3)),
      fact("dense", one.dense.toFixed(3)),
      fact("sentence", one.sentence.toFixed(3)),
      fact("bm25", one.bm25.toFixed(1)),
      one.words.length ? fact("words", one.words.join(" "), "fact text") : null,
    ];
    const title = kept(one.title);
    const head = el(
      "p", "facts",
      el("b", "", `${one.rank}.`),
      one.gold ? el("span", "holds", say("holds gold")) : null,
      /[\p{L}\p{N}]/u.test(title) ? el("b", "text", title) : null,
      el("small", "text", one.source),
    );
    return el("div", "passage", head, el("p", "text", ...painted(whole, [], golds)), el("p", "facts", ...scores));
  }

  function change(asked) {
    const { verdict, won, lost, before } = asked.change;
    const moved = [
      el("b", `verdict ${verdict}`, say(verdict)),
      ...lost.map((name) => el("span", "figure bad", `− ${name}`)),
      ...won.map((name) => el("span", "figure good", `+ ${name}`)),
    ];
    const then = before ? text(before) : el("span", "refusal", say("refused"));
    return row("change", el("p", "facts", ...moved), el("p", "", el("small", "", `${say("before")}: `), then));
  }

  function details(asked) {
    const { history, completed, citations, passages } = asked;
    return el(
      "dl", "",
      asked.change ? change(asked) : null,
      history.length ? row("history", lines(history.map((turn) => text(turn)))) : null,
      completed ? row("completed", text(completed)) : null,
      answer(asked),
      citations.length ? row("sources", ...citations.map(source)) : null,
      gold(asked),
      asked.gold.evidence.length ? evidence(asked) : null,
      why(asked),
      passages.length ? row("passages", ...passages.map((one) => passage(one, asked.gold.items))) : null,
    );
  }

  function draw(card) {
    if (!card.open || drawn.has(card)) return;
    const made = details(page.questions[card.dataset.at]);
    drawn.set(card, made);
    card.append(made);
  }

  // ---- filters ----

  const haystacks = [];

  function haystack(at) {
    const asked = page.questions[at];
    haystacks[at] ??= folded([
      asked.id, asked.question, asked.completed ?? "", asked.answer, ...asked.history,
      ...asked.gold.items.flat(), ...Object.values(asked.labels),
      ...asked.citations.map((one) => one.source),
      ...asked.gold.evidence.flatMap((one) => [one.source, ...one.quotes]),
    ].join("\n"));
    return haystacks[at];
  }

  const STATES = {
    all: () => true,
    wrong: (asked) => !asked.right,
    right: (asked) => asked.right,
    refused: (asked) => !asked.answered,
  };

  function fits(asked, at) {
    const inState = STATES[chosen.state] ?? ((one) => one.change?.verdict === chosen.state);
    const [label, ...value] = chosen.label.split("=");
    return inState(asked)
      && (!chosen.file || String(asked.file) === chosen.file)
      && (!label || asked.labels[label] === value.join("="))
      && chosen.words.every((word) => haystack(at).includes(word));
  }

  const shown = () => cards.filter((card) => !card.hidden);

  function apply() {
    cards.forEach((card, at) => (card.hidden = !fits(page.questions[at], at)));
    count();
  }

  function count() {
    const fitting = shown();
    const numbers = { shown: fitting.length, all: cards.length };
    document.getElementById("count").value = say("count").replace(
      /\{(\w+)\}/g, (_, name) => numbers[name].toLocaleString("en"),
    );
    document.getElementById("none").hidden = fitting.length > 0;
    openAll.textContent = say(fitting.some((card) => card.open) ? "close" : "open");
  }

  // ---- words of the page ----

  function translate() {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    for (const part of document.querySelectorAll("[data-t]")) part.textContent = say(part.dataset.t);
    for (const part of document.querySelectorAll("[data-t-title]")) part.title = say(part.dataset.tTitle);
    for (const part of document.querySelectorAll("[data-t-placeholder]")) {
      part.placeholder = say(part.dataset.tPlaceholder);
    }
    for (const part of document.querySelectorAll("[data-t-label]")) {
      if (part.tagName === "OPTGROUP") part.label = say(part.dataset.tLabel);
      else part.setAttribute("aria-label", say(part.dataset.tLabel));
    }
    drawn.forEach((made) => made.remove());
    drawn.clear();
    cards.forEach(draw);
    count();
  }

  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.(".card")) return;
    draw(event.target);
    count();
  }, true);

  const states = [...document.querySelectorAll("[data-state]")];
  for (const button of states) {
    button.addEventListener("click", () => {
      chosen.state = button.dataset.state;
      states.forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
      apply();
    });
  }
  for (const name of ["file", "label"]) {
    document.getElementById(name)?.addEventListener("change", (event) => {
      chosen[name] = event.target.value;
      apply();
    });
  }
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      chosen.words = folded(search.value).split(/\s+/).filter(Boolean);
      apply();
    }, 120);
  });
  openAll.addEventListener("click", () => {
    const fitting = shown();
    const opened = fitting.filter((card) => card.open);
    if (opened.length) opened.forEach((card) => (card.open = false));
    else fitting.slice(0, MOST_OPENED).forEach((card) => (card.open = true));
  });
  document.getElementById("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    translate();
  });

  // A browser may restore what was chosen before the page was loaded again.
  chosen.words = folded(search.value).split(/\s+/).filter(Boolean);
  for (const name of ["file", "label"]) chosen[name] = document.getElementById(name)?.value ?? "";
  apply();
  translate();
})();
