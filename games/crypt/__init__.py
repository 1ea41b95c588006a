"""The crypt: a first-person game of textured rooms, with things to gather and things that hunt."""
