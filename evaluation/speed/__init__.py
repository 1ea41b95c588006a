"""How fast a dream is, beside this machine's own limit."""
