"""Training of a diffusion decoder (`models.correction`) of any family."""
