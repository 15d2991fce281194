"""The way to a wider yes: opens its sheet for the request that is shown, and gives what was chosen."""

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.requests import PermissionRequest, PlanRequest, Request
from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.state.selectors import select_requests
from quarterdeck.state.store import Store
from quarterdeck.tui.deck import Deck
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.ports import Controller, Receipt
from quarterdeck.tui.stage import Stage
from quarterdeck.tui.widgets.wider_panel import NO_RULE, Choice, Wider

NOT_WHOLE = "Not shown whole yet: space shows the rest, then w."


class Widening:
    """Opens the sheet; answers with the id and version that it showed."""

    def __init__(self, deck: Deck, desk: Desk, store: Store, controller: Controller, stage: Stage) -> None:
        self._deck = deck
        self._desk = desk
        self._store = store
        self._requests = controller.requests
        self._stage = stage

    def open(self) -> None:
        """Ask how much wider, for the request on the screen."""
        panel = self._deck.main.request
        match panel.request:
            case PermissionRequest(rule=None):
                self._stage.say(NO_RULE)
            case PermissionRequest() if not panel.is_whole_seen():
                self._stage.say(NOT_WHOLE)
            case PermissionRequest() | PlanRequest() as request if panel.is_answerable:
                self._deck.wider.open(Wider(request, self._name(request), self._others(request)))
                self._desk.show_view(self._deck.wider, self._deck.wider.sheet)
            case _:
                self._stage.say("There is no wider yes here. a answers.")

    def _name(self, request: Request) -> str:
        mate = self._store.state.team.by_run.get(request.run_id)
        return clean_name(mate.name) if mate is not None else "?"

    def _others(self, request: Request) -> tuple[str, ...]:
        """Who else waits for the same rule now."""
        if not isinstance(request, PermissionRequest):
            return ()
        return tuple(
            self._name(one)
            for one in select_requests(self._store.state)
            if isinstance(one, PermissionRequest) and one.rule == request.rule and one.id != request.id
        )

    def give(self, choice: Choice) -> None:
        """The person said yes."""
        request = choice.wider.request
        if isinstance(request, PlanRequest):
            receipt = self._requests.approve_plan(
                request.id,
                request.version,
                mode=PermissionMode.ACCEPT_EDITS,
                edited_text=self._deck.main.request.draft.edited,
            )
        else:
            receipt = self._requests.allow(request.id, request.version, scope=choice.scope, rule=choice.rule)
        self._settle(receipt)

    def _settle(self, receipt: Receipt) -> None:
        self._desk.close()
        if receipt.done:
            self._desk.answered()
        self._stage.say(receipt.text)
