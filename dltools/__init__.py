"""Unix-style commands over deep-learning models."""

__version__ = "0.1.0"
