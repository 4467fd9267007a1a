"""MediaPipe's face detectors and face mesh as ONNX files, from the `.tflite` files in its wheel."""
