"""Read models: fold the log into tables that can be dropped and rebuilt. Nothing here decides.

A read model is one file with its writer and its readers. `runner` keeps them all up to date in a
process of their own (`process`), `rebuild` makes them anew beside the live ones and compares,
`lag` says how they do, and `waiting` lets a reader ask for a position that it knows of.
"""
