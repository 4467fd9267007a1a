"""Spotting of expressions in clips and long videos."""
