// Sentences on the right and their characters on the left carry the same data-s.
(() => {
  const original = document.getElementById("original");
  const made = document.getElementById("made");
  let pinned = null;
  let lit = [];
  let timer = 0;

  const named = (event) => event.target.closest("[data-s]")?.dataset.s ?? null;
  const all = (name) => document.querySelectorAll(`[data-s="${name}"]`);

  function light(name) {
    lit.forEach((part) => part.classList.remove("lit"));
    lit = name === null ? [] : [...all(name)];
    lit.forEach((part) => part.classList.add("lit"));
  }

  // Only the column scrolls; it stays where it is when the place can be seen.
  function show(column, name, always) {
    const part = column.querySelector(`[data-s="${name}"]`);
    if (!part) return;
    const place = part.getBoundingClientRect();
    const frame = column.getBoundingClientRect();
    if (!always && place.top >= frame.top && place.bottom <= frame.bottom) return;
    part.scrollIntoView({ block: "center" });
  }

  function point(column, other) {
    column.addEventListener("mouseover", (event) => {
      const name = named(event);
      light(name ?? pinned);
      clearTimeout(timer);
      if (name !== null && column === made) timer = setTimeout(show, 150, other, name, false);
    });
    column.addEventListener("mouseleave", () => {
      clearTimeout(timer);
      light(pinned);
    });
    column.addEventListener("click", (event) => {
      pinned = named(event);
      light(pinned);
      if (pinned !== null) show(other, pinned, true);
    });
  }

  point(original, made);
  point(made, original);
  made.addEventListener("focusin", (event) => {
    const name = named(event);
    if (name === null) return;
    light((pinned = name));
    show(original, name, false);
  });
})();
