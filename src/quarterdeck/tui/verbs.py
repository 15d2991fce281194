"""The five verbs on runs, one or several: looks up what they hit, asks where it is more than one, tells.

Guards have let the key through before anything here is called.
"""

from quarterdeck.domain.display_text import clean_line, clean_name
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Outcome
from quarterdeck.state.selectors import select_living, select_suspended_of
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.ports import Controller, Receipt
from quarterdeck.tui.sheets import interrupt_sheet, kill_sheet, revive_sheet
from quarterdeck.tui.stage import Stage


class Verbs:
    """Interrupt, pause, stop, kill, revive."""

    def __init__(self, store: Store, controller: Controller, stage: Stage) -> None:
        self._store = store
        self._teammates = controller.teammates
        self._requests = controller.requests
        self._session = controller.session
        self._stage = stage

    def comes_back(self) -> bool:
        """Whether those that a quit ends can be brought back."""
        return self._session.comes_back()

    def _tell(self, receipt: Receipt) -> None:
        self._stage.say(receipt.text)

    def _is_over(self, mate: Teammate) -> bool:
        if mate.is_terminal:
            self._stage.say(f"{clean_name(mate.name)} has ended. r revives it.")
        return mate.is_terminal

    def interrupt(self, mate: Teammate) -> None:
        """End its open turn."""
        if self._is_over(mate):
            return
        if mate.turn_started_at is None:
            self._stage.say(f"{clean_name(mate.name)} has no open turn. Nothing was interrupted.")
            return
        self._tell(self._teammates.interrupt([mate.run_id]))

    def pause(self, mate: Teammate) -> None:
        """Pause it, or continue it."""
        if not self._is_over(mate):
            self._tell(self._teammates.pause(mate.run_id))

    def stop(self, mate: Teammate) -> None:
        """Ask for a last report; again takes it back."""
        if not self._is_over(mate):
            self._tell(self._teammates.stop(mate.run_id))

    def kill(self, mate: Teammate) -> None:
        """Kill it now; with those that it spawned only after a yes. Of an ended one: drop its request."""
        outlived = select_suspended_of(self._store.state, mate.run_id)
        if mate.is_terminal and outlived is not None:
            self._tell(self._requests.dismiss(outlived.id, outlived.version))
            return
        if self._is_over(mate):
            return
        rows = {run_id: at for at, run_id in enumerate(self._store.state.team.rows)}
        below = sorted(self._teammates.descendants(mate.run_id), key=lambda one: rows.get(one, len(rows)))
        family = (mate.run_id, *below)
        if len(family) == 1:
            self._tell(self._teammates.kill(family))
            return
        mates = self._living(family)
        self._stage.ask(
            kill_sheet(mates, lambda: self._tell(self._teammates.kill(family)), family_of=mate.name)
        )

    def _living(self, run_ids: tuple[RunId, ...]) -> list[Teammate]:
        by_run = self._store.state.team.by_run
        return [by_run[one] for one in run_ids if one in by_run and not by_run[one].is_terminal]

    def kill_all(self) -> None:
        """Kill every run, after a yes."""
        mates = select_living(self._store.state.team)
        if not mates:
            self._stage.say("Nobody runs. Nothing was killed.")
            return
        run_ids = tuple(mate.run_id for mate in mates)
        self._stage.ask(kill_sheet(mates, lambda: self._tell(self._teammates.kill(run_ids))))

    def interrupt_all(self) -> None:
        """End every open turn, after a yes."""
        mates = [mate for mate in select_living(self._store.state.team) if mate.turn_started_at is not None]
        if not mates:
            self._stage.say("No turn is open. Nothing was interrupted.")
            return
        run_ids = tuple(mate.run_id for mate in mates)
        self._stage.ask(interrupt_sheet(mates, lambda: self._tell(self._teammates.interrupt(run_ids))))

    def pause_all(self) -> None:
        """The brake: at once, no question."""
        self._tell(self._teammates.pause_all())

    def revive(self, mate: Teammate, message: str = "") -> None:
        """A new run on its whole conversation."""
        if not mate.is_terminal:
            self._stage.say(f"{clean_name(mate.name)} has not ended. m writes to it.")
            return
        self._stage.start(self._revive(mate, message))

    async def _revive(self, mate: Teammate, message: str) -> None:
        result = await self._teammates.revive(mate.run_id, message)
        name = clean_name(mate.name)
        if result.success:
            self._stage.say(f"{name} is revived on its whole conversation.")
        else:
            self._stage.say(f"{name} was not revived: {clean_line(result.error)}", is_fault=True)

    def revive_all(self) -> None:
        """Everybody that a restart cut off, after a yes; whose request waits for the person is left to it."""
        state = self._store.state
        goes_on = {mate.revived_from for mate in state.team.by_run.values()}
        cut_off = [
            mate
            for mate in state.team.by_run.values()
            if mate.outcome is Outcome.UNKNOWN
            and mate.run_id not in goes_on
            and select_suspended_of(state, mate.run_id) is None
        ]
        if not cut_off:
            self._stage.say("Nobody was cut off. r revives the chosen one.")
            return
        cut_off.sort(key=lambda mate: mate.ended_nth)

        def yes() -> None:
            for mate in cut_off:
                self._stage.start(self._revive(mate, ""))

        self._stage.ask(revive_sheet(cut_off, yes))

    def spawn(self, name: str, prompt: str, *, plan_mode: bool) -> None:
        """Start a teammate."""
        self._stage.start(self._spawn(name, prompt, plan_mode=plan_mode))

    async def _spawn(self, name: str, prompt: str, *, plan_mode: bool) -> None:
        result = await self._teammates.spawn(name, prompt, plan_mode=plan_mode)
        if not result.success:
            self._stage.say(f"{clean_name(name)} was not started: {clean_line(result.error)}", is_fault=True)
