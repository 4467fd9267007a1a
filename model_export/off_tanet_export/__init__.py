"""Training, evaluation and export of the model that `off_tanet` serves. Needs PyTorch."""
