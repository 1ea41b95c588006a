"""Stained glass: a spark breaks the panes of a chapel's window."""
