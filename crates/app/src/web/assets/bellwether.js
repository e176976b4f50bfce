// All the script there is: it swaps the page's live part when the server says that something
// changed, says so when it has not heard from the server, and offers to copy addresses. The page is
// complete without it.
const live = document.querySelector("[data-live]");
const stale = document.getElementById("stale");

const offerCopies = (root) => {
  if (!navigator.clipboard) return;
  for (const place of root.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.className = "copy";
    button.type = "button";
    button.textContent = "copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(place.dataset.copy || place.textContent);
      button.textContent = "copied";
    });
    place.after(button);
  }
};

// What a reader has opened, scrolled and focused stays as it is.
const swap = (next) => {
  const open = new Set([...live.querySelectorAll("details[open][id]")].map((d) => d.id));
  for (const d of next.querySelectorAll("details[id]")) d.open = open.has(d.id);
  const scrolled = [...live.querySelectorAll(".scroll, .plot")].map((e) => [e.scrollLeft, e.scrollTop]);
  const focused = live.contains(document.activeElement) ? document.activeElement : null;
  const kept = focused && [...live.querySelectorAll("a, summary, button, [tabindex]")].indexOf(focused);
  offerCopies(next);
  live.replaceChildren(...next.childNodes);
  live.querySelectorAll(".scroll, .plot").forEach((e, i) => {
    if (scrolled[i]) [e.scrollLeft, e.scrollTop] = scrolled[i];
  });
  if (kept !== null && kept >= 0) {
    live.querySelectorAll("a, summary, button, [tabindex]")[kept]?.focus({ preventScroll: true });
  }
};

const follow = () => {
  let heard = Date.now();
  let loading = false;
  let again = false;
  let connections = 0;
  // What somebody is filling in is not taken away.
  const isFilling = () => [...live.querySelectorAll("form input")].some((i) => i.checked || (i.type !== "radio" && i.value));
  const isReading = () => document.hidden || !getSelection().isCollapsed || isFilling();
  const refresh = async () => {
    if (loading || isReading()) { again = true; return; }
    loading = true;
    again = false;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.querySelector("[data-live]");
      if (!next) return;
      swap(next);
      document.querySelector(".as-of")?.replaceWith(page.querySelector(".as-of"));
      document.title = page.title;
    } catch {
      again = true;
    } finally {
      loading = false;
    }
  };
  const events = new EventSource("/events");
  const hear = () => { heard = Date.now(); };
  // Whoever connects again has missed something.
  events.addEventListener("open", () => { hear(); if (connections++) refresh(); });
  events.addEventListener("changed", () => { hear(); refresh(); });
  events.addEventListener("alive", hear);
  setInterval(() => {
    if (again) refresh();
    const silent = Math.round((Date.now() - heard) / 1000);
    stale.classList.toggle("on", silent > 15);
    if (silent > 15) stale.textContent = `No word from Bellwether for ${silent} s: what you see may be out of date.`;
  }, 1000);
};

offerCopies(document);
if (live && "EventSource" in window) follow();
