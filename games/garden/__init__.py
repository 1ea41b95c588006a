"""The garden at night: a keeper gathers glow-berries among hedges while beetles patrol and a wisp wanders."""
