"""What becomes of what the person wrote: a message, a command, or a refusal that keeps the draft."""

from collections.abc import Callable, Sequence

from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Way
from quarterdeck.state.selectors import select_by_name, select_living
from quarterdeck.state.store import Store
from quarterdeck.state.teammates import Teammate
from quarterdeck.tui.commands import (
    FORMS,
    Addressed,
    Command,
    Refused,
    nobody_words,
    not_sent_words,
    read_line,
)
from quarterdeck.tui.desk import Desk
from quarterdeck.tui.ports import Controller
from quarterdeck.tui.stage import Stage
from quarterdeck.tui.verbs import Verbs
from quarterdeck.tui.widgets.composer import Composer

NOBODY_WORDS = "Nobody is chosen. Name a teammate, or /spawn NAME what it shall do."
NO_MODEL_WORDS = "No model can be asked yet, so no lead can start. The draft stays."


class Speaker:
    """Sends messages and runs slash commands."""

    def __init__(self, store: Store, controller: Controller, desk: Desk, verbs: Verbs, stage: Stage) -> None:
        self._store = store
        self._controller = controller
        self._desk = desk
        self._verbs = verbs
        self._stage = stage

    # Completion

    def completions(self, kind: str, prefix: str) -> Sequence[str]:
        """Words that `/pre…` or `@pre…` may become."""
        match kind:
            case "command":
                return [name for name in FORMS if name.startswith(prefix.casefold())]
            case "name":
                return [name for name in self._names() if name.casefold().startswith(prefix.casefold())]
        return self._controller.session.files(prefix)

    def _names(self) -> list[str]:
        team = self._store.state.team
        return [team.by_run[run_id].name for run_id in team.rows]

    # Sending

    def submit(self, composer: Composer, addressee: str, text: str, way: Way) -> None:
        """Send what the composer posted; a refusal puts the text back."""
        match read_line(text, names=self._names()):
            case Command() as command:
                refused = self._run(command)
            case Addressed(text=said, name=name):
                refused = self._send(self._run_of(addressee, name), said, way)
            case Refused(words=words):
                refused = words
        if refused:
            composer.put(text)
            self._stage.say(refused)

    def _run_of(self, addressee: str, name: str | None) -> RunId:
        mate = select_by_name(self._store.state.team, name) if name is not None else None
        return mate.run_id if mate is not None else RunId(addressee)

    def _send(self, run_id: RunId, text: str, way: Way) -> str:
        """Send; the words of a refusal, or nothing."""
        if not run_id:
            lead = next((mate for mate in select_living(self._store.state.team) if mate.is_lead), None)
            if lead is None:
                return self._start_lead(text)
            run_id = lead.run_id
        receipt = self._controller.conversation.send(run_id, text, way)
        if not receipt.done:
            return receipt.text or not_sent_words(run_id, self._names())
        self._stage.say(receipt.text)
        return ""

    def _start_lead(self, text: str) -> str:
        """The first message of a session starts the lead on it."""
        session = self._store.state.session
        if session.model is None and not session.endpoint:
            return NO_MODEL_WORDS
        self._verbs.spawn("lead", text, plan_mode=False)
        return ""

    def bring_back(self, composer: Composer, addressee: str) -> None:
        """The last message back into the empty composer; withdrawn when it is still queued."""
        run_id = RunId(addressee)
        text = self._controller.conversation.withdraw_last(run_id)
        if text is not None:
            self._stage.say("Taken back before it was delivered.")
        else:
            text = self._controller.conversation.last_sent(run_id)
        if text is not None:
            composer.bring_back(text)

    # Commands

    def _run(self, command: Command) -> str:
        """Run a command; the words of a refusal, or nothing."""
        match command:
            case Command("spawn", words=(name,), rest=prompt, plan_mode=plan_mode):
                self._verbs.spawn(name, prompt, plan_mode=plan_mode)
            case Command("rename", words=(name, new)):
                return self._on(name, lambda mate: self._rename(mate, new))
            case Command("theme", words=(name,)):
                if name not in self._stage.theme_names():
                    return f"There is no theme {clean_name(name)}: {', '.join(self._stage.theme_names())}."
                self._stage.keep_theme(name)
            case Command("model"):
                return self._model(command.words)
            case Command("help"):
                self._stage.perform("help")
            case Command("quit"):
                self._stage.perform("quit")
            case Command("revive", words=words, rest=message):
                return self._on(words[0] if words else None, lambda mate: self._verbs.revive(mate, message))
            case _:
                verbs = {"kill": self._verbs.kill, "stop": self._verbs.stop, "pause": self._verbs.pause}
                return self._on(command.words[0] if command.words else None, verbs[command.name])
        return ""

    def _on(self, name: str | None, verb: Callable[[Teammate], None]) -> str:
        """Do it to the teammate of this name, or to the one the composer names."""
        if name is None:
            mate = self._desk.here.selected
            if mate is None:
                return NOBODY_WORDS
        else:
            mate = select_by_name(self._store.state.team, name.removeprefix("@"))
            if mate is None:
                return nobody_words(name, self._names())
        verb(mate)
        return ""

    def _rename(self, mate: Teammate, new: str) -> None:
        self._stage.say(self._controller.teammates.rename(mate.run_id, new).text)

    def _model(self, words: tuple[str, ...]) -> str:
        name, model = (words[0], words[1]) if len(words) == 2 else (None, words[0])

        def choose(mate: Teammate) -> None:
            self._stage.say(self._controller.teammates.choose_model(mate.run_id, model).text)

        return self._on(name, choose)
