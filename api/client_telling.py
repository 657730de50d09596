"""What the client's command line tells people: how to use it, that it waits, what to do then."""

from shlex import quote
from typing import Final

WORDS: Final = ("make", "enrol", "check", "redeem", "void", "batch", "resume", "roll")
KEPT: Final = frozenset({"redeem", "void", "batch", "resume"})  # asked again with its id
READS: Final = frozenset({"check"})  # nothing comes of it, whether or not it arrived
WORTH_TELLING: Final = 1.0  # seconds; nobody notices shorter waits

HELP: Final = """\
usage: python -m api.client FOLDER COMMAND [ARGUMENT...]

A terminal that redeems tickets. FOLDER is the device: its key, its name, and
what has no answer yet. One process at a time may use it.

Commands, each with an example:

  make URL [ed25519 | ecdsa-p256-sha256]
      A new device with a key of its own, in a new FOLDER. URL is the
      service's: https, or on this machine. Prints the public key.
          python -m api.client till make http://127.0.0.1:8080
  enrol INVITATION
      Bind the device to a venue; `souche terminal invite` prints an
      invitation, good once and for ten minutes.
          python -m api.client till enrol \\
              t-0123456789ab-0123456789abcdef0123456789abcd
  check CODE...
      Whether these tickets of one carnet would be taken. Changes nothing.
          python -m api.client till check BFC22-0001234-03-Y5XC1KP-2
  redeem CODE...
      Take tickets of one carnet, all or none. Keep the `claim_id` that the
      answer names: a void needs it.
          python -m api.client till redeem BFC22-0001234-03-Y5XC1KP-2
  void CLAIM_ID CODE...
      Take a redemption back: its `claim_id`, and all the codes that it took.
          python -m api.client till void 0190f5fe-7c00-7a00-8abc-0123456789ab \\
              BFC22-0001234-03-Y5XC1KP-2
  batch
      Redeem what is on standard input: a line for each claim, with the codes
      of its tickets. Prints a verdict for each, in order.
          python -m api.client till batch < codes.txt
  resume
      Ask again, with the same ids, for all that has no answer yet.
          python -m api.client till resume
  roll [ed25519 | ecdsa-p256-sha256]
      Replace the device's key by a new one.
          python -m api.client till roll

It prints the answer as JSON. Where there is none it waits, and sends the same
again, with the same id: the same id twice redeems a ticket once.

Environment:
  SOUCHE_PATIENCE  seconds until a request is given up (60)
  SOUCHE_TIMEOUT   seconds for each try (10)

It needs Python 3.11 or later with `cryptography`; run it from the folder that
holds `api`.

Exit codes:
  0  done
  1  refused: the answer's `title` tells people why, its `reason` programs
  2  not understood, and nothing was sent
  4  no answer: it may have happened, or not; `resume` later. A check
     changes nothing
"""


def waiting(word: str, why: str, wait: float, left: float) -> str:
    """That there was no answer, and what happens about it."""
    same = "the same again, with the same id," if word in KEPT else "the same again"
    return f"No answer yet: {why}. Sending {same} in {wait:.0f} s, for {left:.0f} s more.\n"


def given_up(word: str, folder: str, why: str) -> str:
    """That it stays unknown for now, and what to do."""
    told = f"Given up: {why}.\n"
    if word in READS:
        return f"{told}Nothing was changed. Give the same command again later.\n"
    if word not in KEPT:
        return f"{told}It may have happened, or not. Give the same command again later.\n"
    return (
        f"{told}It may have happened, or not; it is kept with its id. Once the service answers:\n"
        f"  python -m api.client {quote(folder)} resume\n"
    )
