// The service worker: keeps the site for offline, and on hosts that cannot, sets the headers for more threads.

/** The service worker itself. Whoever writes the site puts `VERSION`, which names this build of it, and `FILES`, the
 * addresses of all that is in it, above. @type {any} */
const worker = self;
const CACHE = `reverie-${new URL(worker.registration.scope).pathname}-${worker.VERSION}`;
const ISOLATED = new URL(self.location.href).searchParams.has("isolated");
const ISOLATION = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

// While a page runs on another build, this one waits: two builds do not mix.
worker.addEventListener("install", () => worker.registration.active || worker.skipWaiting());

worker.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(
    (async () => {
      const mine = CACHE.slice(0, -worker.VERSION.length);
      for (const name of await caches.keys()) if (name.startsWith(mine) && name !== CACHE) await caches.delete(name);
      await worker.clients.claim();
    })(),
  );
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(worker.registration.scope)) event.respondWith(answer(request));
});

worker.addEventListener("message", (/** @type {any} */ event) => {
  if (event.data === "take over") event.waitUntil(worker.skipWaiting());
  else if (event.data === "keep everything") event.waitUntil(keepEverything().catch(() => {})); // offline, or a full disk
});

/** Fetch what is not kept yet: the page itself was loaded before there was a service worker. */
async function keepEverything() {
  for (const file of worker.FILES) await answer(new Request(new URL(file, worker.registration.scope)));
}

/** What is kept, or what the host has, which is kept from then on. @param {Request} request */
async function answer(request) {
  const cache = await caches.open(CACHE).catch(() => null);
  const known = await cache?.match(request, { ignoreSearch: true });
  if (known) return known;
  const response = isolated(await fetch(request));
  if (response.status === 200) await cache?.put(request, response.clone()).catch(() => {}); // a full disk keeps nothing
  return response;
}

/** @param {Response} response */
function isolated(response) {
  if (!ISOLATED || response.status === 0) return response; // of another host, or it leads elsewhere
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
