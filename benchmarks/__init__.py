"""Benchmarks: ratios against a peer and a floor measured in the same run."""
