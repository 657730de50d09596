"""What people are told of a payment run: what left, what stayed and why, and what comes next."""
