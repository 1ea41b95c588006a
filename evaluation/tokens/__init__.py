"""Figures and pages of the family `tokens`, whose frames are codes out of a vocabulary."""
