"""From a game to its dream in one command."""
