"""Comet duel: two stations bat a comet to and fro."""
