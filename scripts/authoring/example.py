"""A programme's file to begin with, every key explained."""

from typing import Final

_FILE: Final = """\
# A programme of your own. Write what yours is, then:
#
#     souche programme open FILE
#     souche programme rules PASS FILE
#
# Both may be run again: what the ledger has is not done twice. A line that begins with `# key =`
# shows a key that may be left out, and the value that it then has, if it has one.

[programme]
id = "PASS"  # prefix of the ticket codes: 2 to 8 digits and capital letters, no I, L, O, U
name = "Pass numérique {year}"
cap_tickets = 10_000  # orders can't exceed it; left out, there is no cap
# zone = "Europe/Paris"  # of its days and deadlines
# parent = "REGION"  # a programme whose cap this one's orders count against, too

# Who pays: a name for the ledger, and its share in the face value. 60 and 40 are three and two
# fifths. From here on, what [programme] and [funders] say can't be changed.
[funders.departement]
share = 60

[funders.etat]
share = 40

# The rules, version 1. Once published they stay: to change something, add [rules.2] with all of
# the rules and publish again. Carnets keep the rules that they were ordered under.
[rules.1]
sizes = [5, 10]  # tickets that a carnet may have, up to 99
face_value_cents = 1000  # of a ticket
millesimes = [{year}]  # years that carnets may be ordered for
# in_force_from = {year}-01-01  # not published before this day

# When a millésime's tickets are good: from first_day of its year to last_day of the next one,
# both inclusive, written MM-DD.
# first_day = "01-01"
# last_day = "01-31"
# distribution_last_day = "12-31"  # the last day of its year to hand carnets out; else last_day

# activation_requires = "cash"  # what covers carnets in circulation: commitment, order or cash
# max_tickets_per_claim = 2  # for one workshop
# void_minutes = 30  # in which a venue may take a redemption back
# nominative = false  # whether carnets bear a name
# surcharge_allowed = false  # whether a venue may ask for more
# services = []  # what tickets pay for, such as ["cv", "caf"]; empty: anything

# Where tickets are taken: "national", or "regions" or "departments" with their INSEE codes, or
# "venues" with their SIRETs: {{ kind = "departments", codes = ["21", "25"] }}
acceptance = {{ kind = "national" }}

# A venue to which payments are frozen: "unpaid" lets it take tickets, and it is paid for them once
# payments go on; "refused" lets it take none meanwhile.
# suspended_venues = "unpaid"

# Who is meant, as many categories as you need. All but `tickets` may be left out.
[rules.1.entitlements.adults]
who = "Adults whom a partner has found to need it"
tickets = 10  # at most, to one person
# supplement_tickets = 0  # once more, on a further request
min_age = 18
# max_age = 99  # inclusive
# residence = "Côte-d'Or"
# evidence = []  # kinds of which one suffices, such as ["attestation de la mission locale"]
"""


def example_file(year: int) -> str:
    """The file of a programme of that year."""
    return _FILE.format(year=year)
