"""The networks of the token family: tokenizers, trunk, causal head and diffusion decoder."""
