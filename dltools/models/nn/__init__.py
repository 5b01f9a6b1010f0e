"""Networks from scratch in NumPy: what every model that runs without TensorFlow is made of."""
