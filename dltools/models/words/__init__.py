"""Word vectors: neighbours, analogies, bias, and their files."""
