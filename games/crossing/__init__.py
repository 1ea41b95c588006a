"""The way home: across roads and rivers to and fro for apples."""
