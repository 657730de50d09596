"""What those who pay venues ask for, in turn and out of turn."""

from ledger.decisions import clearing
from ledger.decisions.situation import Command
from ledger.values.ids import RunId, run_stream
from ledger.values.money import Cents
from tests.builders import commands as build
from tests.builders.world import APPROVER, OPERATOR, with_changes
from tests.simulation.drawing import Drawing


class PaymentRuns:
    """An operator and an approver."""

    def __init__(self, drawing: Drawing) -> None:
        self._draw = drawing

    def cutoff(self) -> Command:
        made = self._draw.new_id()
        run = self._draw.audit.ledger.reference.open_run
        if run is not None and self._draw.often(0.5):
            return with_changes(build.fix_cutoff(run), {"command_id": made})
        return with_changes(build.fix_cutoff(RunId(f"run-{made[:8]}")), {"command_id": made})

    def run(self) -> Command | None:
        """The next step of the open run, or one out of turn."""
        run = self._draw.audit.ledger.reference.open_run
        if run is None:
            return None
        state: clearing.PaymentRun = self._draw.audit.ledger.streams[run_stream(run)]
        if self._draw.often(0.2):
            steps = (self._submit, self._approve, self._withdraw_run)
            return self._draw.chance.choice(steps)(run, state)
        if state.drafted is None:
            return self._draft(run, state)
        if state.submitter is None:
            return self._submit(run, state)
        if not state.approved:
            return self._approve(run, state)
        return self._pay(run, state)

    def _draft(self, run: RunId, state: clearing.PaymentRun) -> Command:
        parts = self._parts(run)
        return build.draft_run(
            command_id=self._draw.new_id(),
            run=run,
            cutoff=state.cutoff,
            part_digests=tuple(map(clearing.part_digest, parts)),
            transfers=sum(map(len, parts)),
            amount_cents=Cents(sum(self._draw.audit.owed[run].values())),
        )

    def _submit(self, run: RunId, state: clearing.PaymentRun) -> Command:
        return build.submit_run(command_id=self._draw.new_id(), run=run)

    def _approve(self, run: RunId, state: clearing.PaymentRun) -> Command:
        return build.approve_run(
            command_id=self._draw.new_id(),
            run=run,
            actor=APPROVER if self._draw.often(0.9) else OPERATOR,
            digest=state.drafted.digest if state.drafted and self._draw.often(0.9) else "another",
        )

    def _pay(self, run: RunId, state: clearing.PaymentRun) -> Command:
        parts = self._parts(run)
        lines = parts[state.parts_paid] if state.parts_paid < len(parts) else ()
        return build.pay_part(
            command_id=self._draw.new_id(), run=run, part=state.parts_paid, lines=lines
        )

    def _withdraw_run(self, run: RunId, state: clearing.PaymentRun) -> Command:
        return build.withdraw_run(command_id=self._draw.new_id(), run=run)

    def _parts(self, run: RunId) -> list[tuple[clearing.RunLine, ...]]:
        owed = self._draw.audit.owed[run]
        return clearing.parts_of(
            [clearing.RunLine(venue, Cents(cents)) for venue, cents in owed.items()]
        )
