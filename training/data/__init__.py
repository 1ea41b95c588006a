"""Recordings on disk: written, read, checked."""
