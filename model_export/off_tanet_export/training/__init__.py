"""Training, fine-tuning and calibration."""
