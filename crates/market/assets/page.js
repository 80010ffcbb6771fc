// Follows the server's events and puts the new numbers in place. Without script the page is as good as its last load.
(() => {
  const live = document.getElementById("live");
  const ip = document.body.dataset.ip;
  let timer = 0;
  let waiting = false;

  async function refresh() {
    timer = 0;
    if (document.hidden) {
      waiting = true;
      return;
    }
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      const main = document.getElementById("main");
      if (!next || next.innerHTML === main.innerHTML) return;
      const focus = document.activeElement?.getAttribute("href");
      for (const open of main.querySelectorAll("details[open]")) next.querySelector("#" + open.id)?.setAttribute("open", "");
      main.replaceChildren(...next.childNodes);
      if (focus) main.querySelector(`[href="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
    } catch {
      // The connection is gone; the event source says so.
    }
  }

  // Crawls come in batches, so one look every few seconds serves them all.
  const soon = () => {
    timer ||= setTimeout(refresh, 3000);
  };
  const events = new EventSource("/api/v1/events");
  events.addEventListener("crawl", (e) => {
    if (!ip || String(JSON.parse(e.data).ip_id) === ip) soon();
  });
  events.addEventListener("leaderboard", () => ip || soon());
  events.addEventListener("resync", soon);
  events.onopen = () => {
    live.textContent = "Live";
    live.className = "live on";
  };
  events.onerror = () => {
    live.textContent = "Reconnecting…";
    live.className = "live off";
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && waiting) {
      waiting = false;
      soon();
    }
  });
})();
