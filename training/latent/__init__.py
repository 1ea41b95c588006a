"""How the networks of the latent family are trained."""
