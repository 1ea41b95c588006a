// The service worker: keeps the site for offline, and on hosts that cannot, sets the headers for more threads.
// `VERSION` names this build of the site; whoever writes the site puts it above.
const CACHE = `reverie-${new URL(self.registration.scope).pathname}-${VERSION}`;
const ISOLATED = new URL(self.location.href).searchParams.has("isolated");
const ISOLATION = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const mine = CACHE.slice(0, -VERSION.length);
      for (const name of await caches.keys()) if (name.startsWith(mine) && name !== CACHE) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(self.registration.scope)) event.respondWith(answer(request));
});

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
  if (!ISOLATED || response.type === "opaque") return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
