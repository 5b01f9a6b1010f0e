"""Faces: found, aligned, told apart by 128 or 512 numbers, and named."""
