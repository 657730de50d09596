"""`python -m projections`: see `process.start_projections`, which starts it."""

from projections.process import main

main()
