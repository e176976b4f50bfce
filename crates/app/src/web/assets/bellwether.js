// All the script there is: it swaps the page's live part when the server says that something
// changed, and says so when it has not heard from the server. The page is complete without it.
const live = document.querySelector("[data-live]");
const stale = document.getElementById("stale");
if (live && "EventSource" in window) {
  let heard = Date.now();
  let loading = false;
  let again = false;
  const refresh = async () => {
    if (loading) { again = true; return; }
    loading = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = new Set([...live.querySelectorAll("details[open][id]")].map((d) => d.id));
      const next = page.querySelector("[data-live]");
      for (const d of next.querySelectorAll("details[id]")) d.open = open.has(d.id);
      live.replaceChildren(...next.childNodes);
      const asOf = page.querySelector(".as-of");
      document.querySelector(".as-of")?.replaceWith(asOf);
      document.title = page.title;
    } finally {
      loading = false;
      if (again) { again = false; refresh(); }
    }
  };
  const events = new EventSource("/events");
  events.addEventListener("changed", () => { heard = Date.now(); refresh(); });
  events.addEventListener("alive", () => { heard = Date.now(); });
  setInterval(() => {
    const silent = Math.round((Date.now() - heard) / 1000);
    stale.classList.toggle("on", silent > 15);
    if (silent > 15) stale.textContent = `No word from Bellwether for ${silent} s: what you see may be out of date.`;
  }, 1000);
}
