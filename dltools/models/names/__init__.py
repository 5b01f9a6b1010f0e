"""Names: invent new ones after a list of real ones, and score them."""
