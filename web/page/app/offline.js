// The service worker: with it the page opens offline, and may have more threads on hosts that do not set headers.

/** How long the page waits for it before it goes on without, in milliseconds. */
const PATIENCE = 1500;

/**
 * Start it. Resolves when it answers for this page, or the page goes on without. Where the host has a newer build of the
 * site than the one that is kept, the page is loaded once more.
 * @param {boolean} isolated whether it sets the headers that threads need; the page is then loaded once more
 */
export async function startOffline(isolated) {
  const workers = navigator.serviceWorker;
  if (!workers || !isSecureContext) return;
  const controlled = new Promise((resolve) => workers.addEventListener("controllerchange", resolve, { once: true }));
  try {
    const address = new URL(`../sw.js${isolated ? "?isolated" : ""}`, import.meta.url);
    const registration = await workers.register(address, { updateViaCache: "none" });
    if (!workers.controller) await inTime(controlled);
    else {
      await inTime(registration.update());
      const newer = registration.waiting ?? registration.installing;
      if (newer) {
        newer.postMessage("take over");
        if (await inTime(controlled)) await again();
      }
    }
  } catch {
    return; // private windows have none, and offline nothing is newer
  }
  if (isolated && workers.controller && !crossOriginIsolated && !sessionStorage.getItem("reverie isolated")) {
    sessionStorage.setItem("reverie isolated", "tried");
    await again();
  }
}

/** Keep for offline what was not loaded through the service worker. */
export async function keepEverything() {
  (await navigator.serviceWorker?.ready)?.active?.postMessage("keep everything");
}

/** What comes of a promise; undefined where that takes too long. @param {Promise<unknown>} promise */
const inTime = (promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);

/** Load the page once more. */
async function again() {
  location.reload();
  await new Promise(() => {});
}
