"""The family `latent`: a frame is a small grid of continuous latents, and the next one is denoised from noise."""
