"""How the networks of the token family are trained."""
