"""The command as a module: python -m kubepy."""

from kubepy.cli import main

main()
