"""Recordings on disk, datasets of history windows, and the trainers. Needs torch and numpy only."""
