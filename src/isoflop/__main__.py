"""`python -m isoflop` is the command line."""

from isoflop.cli.main import main

main()
