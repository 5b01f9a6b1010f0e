"""The word that a listener waits for, in a file or as it is spoken."""
