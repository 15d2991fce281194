"""What the panels of the main view tell the screen that holds them."""

from textual.message import Message

from quarterdeck.domain.ids import RequestId


class Notice(Message):
    """One line for the notice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Answered(Message):
    """The person's answer to this request counted."""

    def __init__(self, request_id: RequestId) -> None:
        super().__init__()
        self.request_id = request_id


class Leave(Message):
    """The person is done with what is shown; the focus can go back to where it came from."""
