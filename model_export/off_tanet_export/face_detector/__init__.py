"""Conversion of the face detector to ONNX."""
