"""Run the toolkit as ``python -m dltools``."""

from dltools.commands.dltools import main

if __name__ == "__main__":
    main()
