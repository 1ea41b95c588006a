"""The pages and pictures that people read."""
