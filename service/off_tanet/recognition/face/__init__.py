"""Detection, tracking and cropping of faces."""
