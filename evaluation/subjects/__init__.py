"""What is measured: bundles, and the real games they are held against."""
