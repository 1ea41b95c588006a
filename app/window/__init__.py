"""The window: what is drawn, and which key does what."""
