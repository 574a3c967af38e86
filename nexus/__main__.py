"""`python -m nexus`."""

from nexus.cli import main

main()
