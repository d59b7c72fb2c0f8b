/**
 * Keeps the page usable without a network: all its files are kept at the first visit, and answered from there.
 *
 * The next two lines are written by `python -m tools phone --stamp`; a test holds them. A changed VERSION makes the
 * browser fetch everything anew, so that files of two versions never meet.
 */
const VERSION = "5be37ccf37f1";
const FILES = [
  "./",
  "flow/delivery.js",
  "flow/desk.js",
  "flow/link.js",
  "flow/setup.js",
  "flow/watch.js",
  "icons/icon-192.png",
  "icons/icon-512.png",
  "icons/icon.svg",
  "index.html",
  "main.js",
  "manifest.webmanifest",
  "protocol/bytes.js",
  "protocol/certificates.js",
  "protocol/client.js",
  "protocol/codes.js",
  "protocol/configuration.js",
  "protocol/credentials.js",
  "protocol/der.js",
  "protocol/framing.js",
  "protocol/key-proof.js",
  "protocol/limits.js",
  "protocol/mailbox.js",
  "protocol/messages.js",
  "protocol/pem.js",
  "protocol/service.js",
  "protocol/session.js",
  "protocol/setup-code.js",
  "protocol/trouble.js",
  "protocol/x25519.js",
  "style.css",
  "transport/obstacle.js",
  "transport/web-bluetooth.js",
  "view/certificates.js",
  "view/cloud.js",
  "view/dom.js",
  "view/find.js",
  "view/outcome.js",
  "view/parts.js",
  "view/review.js",
  "view/stage.js",
  "view/wifi.js",
  "view/words.js",
];

const CACHE = `device-setup-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith("device-setup-") && name !== CACHE);
      await Promise.all(old.map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const isOurs = new URL(event.request.url).origin === self.location.origin;
  if (event.request.method !== "GET" || !isOurs) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(CACHE);
      return (await cache.match(event.request, { ignoreSearch: true })) ?? fetch(event.request);
    })(),
  );
});
