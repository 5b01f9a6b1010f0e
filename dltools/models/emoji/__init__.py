"""The emoji that a sentence asks for."""
