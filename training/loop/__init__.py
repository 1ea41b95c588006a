"""What every training needs: clock, checkpoints, optimizers, devices."""
