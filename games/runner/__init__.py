"""Rooftop runner: over chimneys and gaps, under owls, after moths."""
