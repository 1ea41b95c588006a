"""The crypt, seen with one's own eyes: a first-person game of textured rooms, things to gather and things that hunt."""
