"""The networks, in torch, one file a network. `models/v1/` is frozen."""
