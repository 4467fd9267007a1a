"""Head motion, and the motion features of a face."""
