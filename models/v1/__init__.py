"""v1, the baseline: one frame and an action in, all tokens of the next frame at once. Frozen."""
