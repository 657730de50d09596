"""HTTP: read a request, find out who asks, hand the work over, answer. No rule is applied here.

The ledger's SQL is elsewhere. The little there is here looks up what the edge itself needs: tokens,
spent nonces, single streams, the log's size.
"""
