"""Files, streams and records: bytes in, plain values out."""
