"""Read models: tables made from the log, and made again at will. Nothing here decides.

Each has a file, which both writes and reads it (the programmes have three):
`balances`, `payouts`, `programmes`, `redemptions`. From the process down to the rows:

    process → runner → stepping → pages → batch → applying → the read model's own
                                                      └──▶ tracking

`waiting` lets a reader ask for a position that it knows of, `lag` says how far each has come,
`rebuild` makes them anew beside the live ones, and `checking` compares the two to the cent.
"""
