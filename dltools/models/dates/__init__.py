"""Dates as people and machines write them, brought to ISO 8601 by a sequence-to-sequence network with attention."""
