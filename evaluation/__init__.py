"""How true a dream is, and how fast: the metrics, the comparisons, the benchmark and the report."""
