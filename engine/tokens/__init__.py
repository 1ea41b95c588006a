"""The family `tokens`: a frame is a grid of codes, and the next one is sampled from a distribution over them."""
