"""Style transfer: a photograph, painted as another picture is."""
