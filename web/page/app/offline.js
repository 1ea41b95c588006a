// The service worker: with it the page opens offline, and may have more threads on hosts that do not set headers.

/** How long the page waits for it before it goes on without, in milliseconds. */
const PATIENCE = 1500;

/**
 * Start it. Resolves when it answers for this page, or the page goes on without.
 * @param {boolean} isolated whether it sets the headers that threads need; the page is then loaded once more
 */
export async function startOffline(isolated) {
  const workers = navigator.serviceWorker;
  if (!workers || !isSecureContext) return;
  try {
    const address = new URL(`../sw.js${isolated ? "?isolated" : ""}`, import.meta.url);
    await workers.register(address, { updateViaCache: "none" });
    if (!workers.controller) {
      const controlled = new Promise((resolve) => workers.addEventListener("controllerchange", resolve, { once: true }));
      await Promise.race([controlled, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
    }
  } catch {
    return; // private windows have none
  }
  if (isolated && workers.controller && !crossOriginIsolated && !sessionStorage.getItem("reverie isolated")) {
    sessionStorage.setItem("reverie isolated", "tried");
    location.reload();
    await new Promise(() => {});
  }
}
