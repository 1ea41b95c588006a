"""Runs a dream in real time from a bundle: graphs, history, samplers, tapes."""

import os

# onnxruntime 1.29 and newer ask a host for its settings and write a device id below the home folder when they are
# imported. A game needs neither, so it is switched off before anything here can import it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
