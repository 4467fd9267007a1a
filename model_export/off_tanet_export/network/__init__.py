"""The network Off-TANet, its variants and its checkpoints."""
