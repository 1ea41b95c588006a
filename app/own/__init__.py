"""Other people's games: game folders, and recordings that come from elsewhere."""
