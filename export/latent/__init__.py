"""Export of the family `latent`."""
