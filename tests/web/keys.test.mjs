// The keys of the page.
import assert from "node:assert/strict";
import { test } from "node:test";

import { keysOf, lookup, rows } from "../../web/page/app/keys.js";

const game = {
  title: "Garden",
  goal: "",
  keys: { up: ["up", "w"], pause: ["p", "space"], branch: ["k"], "save moment": ["f5"], gif: ["g"], "hand over": ["tab"] },
};
const explained = { pause: "pause", branch: "four futures", "save moment": "save this moment", gif: "save a GIF" };
const can = (what) => ["up", "pause", "gif", "save moment"].includes(what);

test("a key of the window that the page cannot follow does nothing, and the help does not name it", () => {
  const keys = keysOf(game, can);
  assert.deepEqual([lookup(keys).get("k"), lookup(keys).get("tab")], [undefined, undefined]);
  const help = rows(keys, ["noop", "up"], explained, false);
  assert.ok(!help.flat().includes("four futures"));
  assert.deepEqual(help.slice(0, 3), [["↑ W", "play"], ["P Space", "pause"], ["F8", "save this moment"]]);
});

test("a key that belongs to the browser is another on the page", () => {
  const does = lookup(keysOf(game, can));
  assert.deepEqual([does.get("f5"), does.get("f8"), does.get("arrowup")], [undefined, "save moment", "up"]);
});
