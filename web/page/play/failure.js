// What a person reads when nothing can be played any more.

/** As browsers, the runtime and C++ say that there is no memory left. */
const NO_MEMORY = /memory|alloc|\bOOM\b/i;

/** @param {unknown} error */
export function sentence(error) {
  const message = error instanceof Error ? error.message : String(error);
  if (NO_MEMORY.test(message)) return "The browser has too little memory for this dream: close other pages and try again.";
  return message;
}
