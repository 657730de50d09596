"""The demo: a programme of 2022 from its order to its venues' payment, through the real service."""
