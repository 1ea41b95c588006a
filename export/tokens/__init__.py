"""Export of the family `tokens`."""
