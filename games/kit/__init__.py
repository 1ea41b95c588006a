"""What several built-in games share: their states, their drawing, their reading. No game of its own."""
