"""Read models: fold the log into tables that can be dropped and rebuilt. Nothing here decides.

A read model is one file with its writer and its readers (the programmes' are three):
`balances`, `payouts`, `programmes`, `redemptions`. In the order in which things happen:

    process → runner → stepping → pages → batch → applying → the read model's own
                                                      └──▶ tracking

`waiting` lets a reader ask for a position that it knows of, `lag` says how far each has come,
`rebuild` makes them anew beside the live ones, and `checking` compares the two to the cent.
"""
