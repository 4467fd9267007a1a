"""Recognition in one process: bytes in, `Prediction` out."""
