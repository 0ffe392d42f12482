"""Compares cowdevices with what people use instead: see docs/benchmarks.md."""
