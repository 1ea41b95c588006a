"""Art and the pixel font, all made here."""
