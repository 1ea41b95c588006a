"""The figures: what each one measures and how."""
