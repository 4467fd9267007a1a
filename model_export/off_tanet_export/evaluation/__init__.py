"""Evaluation protocols, scores, reports and plots."""
