"""Published image networks in Keras that more than one capability builds on, and their published weights.

Only a ``network.py``, a ``training.py``, an ``engine.py`` or ``tools/build_assets.py`` imports from here, inside
functions.
"""
