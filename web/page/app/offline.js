// The service worker: with it the page opens offline, and may have more threads on hosts that do not set headers.

/** How long the page waits before it goes on without an answer, in milliseconds. */
const PATIENCE = 2000;

/**
 * Resolves when there is nothing more to wait for. Where the host has a newer build of the site than the one that is kept, the page is
 * loaded once more. On a first visit there is nothing to do yet: the service worker would take its time from the dream.
 * @param {boolean} isolated whether it sets the headers that threads need; then the first visit starts it too, and the
 *   page is loaded once more
 * @param {() => boolean} waits whether nobody plays yet: then the page may still be loaded once more
 */
export async function startOffline(isolated, waits) {
  const workers = offline();
  if (!workers || !(workers.controller || isolated)) return;
  const controlled = new Promise((resolve) => workers.addEventListener("controllerchange", resolve, { once: true }));
  try {
    const registration = await registered(workers, isolated);
    if (!workers.controller) await controlled;
    else {
      if (!registration.waiting) await registration.update(); // else the last visit found one too late
      const newer = registration.waiting ?? registration.installing;
      if (newer && waits()) {
        newer.postMessage("take over");
        if (await inTime(controlled)) await again();
      }
    }
  } catch {
    return; // private windows have none, and offline nothing is newer
  }
  if (isolated && workers.controller && waits() && !crossOriginIsolated && !sessionStorage.getItem("reverie isolated")) {
    sessionStorage.setItem("reverie isolated", "tried");
    await again();
  }
}

/** Keep for offline what was not loaded through the service worker. @param {boolean} isolated as of `startOffline` */
export async function keepEverything(isolated) {
  const workers = offline();
  if (!workers) return;
  await registered(workers, isolated).catch(() => {}); // private windows have none
  (await workers.ready).active?.postMessage("keep everything");
}

/** The browser's service workers, where it has them. */
const offline = () => (isSecureContext ? navigator.serviceWorker : undefined);

/** @param {ServiceWorkerContainer} workers @param {boolean} isolated */
function registered(workers, isolated) {
  const address = new URL(`../sw.js${isolated ? "?isolated" : ""}`, import.meta.url);
  return workers.register(address, { updateViaCache: "none" });
}

/** What comes of a promise; undefined where that takes too long. @param {Promise<unknown>} promise */
export const inTime = (promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);

/** Load the page once more. */
async function again() {
  location.reload();
  await new Promise(() => {});
}
