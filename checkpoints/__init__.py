"""The shipped bundles, one folder each."""
