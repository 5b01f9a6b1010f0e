"""What is in a picture: one class for the whole of it."""
