"""The networks of the latent family: pictures as a few continuous latents, and diffusion dynamics over them."""
