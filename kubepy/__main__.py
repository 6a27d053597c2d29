"""python -m kubepy."""

from kubepy.cli import main

main()
