"""How arrays meet a trained network, and where its file comes from."""
