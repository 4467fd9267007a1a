"""Experiments on trained networks and on their training."""
