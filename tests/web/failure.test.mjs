// What a person reads when nothing can be played any more.
import assert from "node:assert/strict";
import { test } from "node:test";

import { sentence } from "../../web/page/play/failure.js";

test("however it is said that memory ran out, it is one sentence", () => {
  const said = [
    new RangeError("Array buffer allocation failed"),
    new RangeError("WebAssembly.Memory(): could not allocate memory"),
    new RangeError("WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance"),
    new Error("failed to call OrtRun(). ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc"),
    "Aborted(OOM)",
  ];
  for (const error of said) assert.match(sentence(error), /too little memory/);
});

test("what is wrong otherwise is said as it is", () => {
  const words = "The download of decoder.onnx is damaged: load the page again.";
  assert.equal(sentence(new Error(words)), words);
  assert.equal(sentence(new Error("This browser has no room")), "This browser has no room");
});
