"""Load generators, yardsticks, and the check of the books after a run."""
