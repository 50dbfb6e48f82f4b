"""Measurements. Nothing here is asserted in a test; docs/benchmarks.md has the numbers of one machine."""
