"""The real games: batched numpy simulators, their art, state readers and adapters."""
