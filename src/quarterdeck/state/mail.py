"""The ordered queue of messages per teammate: what was written and has not reached it yet."""

import msgspec
from immutables import Map

from quarterdeck.domain.ids import MessageId, RunId
from quarterdeck.domain.teammates import Way
from quarterdeck.state import actions as did


class Mail(msgspec.Struct, frozen=True):
    """One message under way."""

    id: MessageId
    run_id: RunId
    sender: str
    text: str
    way: Way
    queued_at: float


Queues = Map[RunId, tuple[Mail, ...]]


def reduce_mail(queues: Queues, action: did.Action) -> Queues:
    """Fold one fact in; a queue that is empty is not there."""
    match action:
        case did.MessageQueued(run_id=run_id):
            mail = Mail(action.message_id, run_id, action.sender, action.text, action.way, action.at)
            queue = queues.get(run_id, ())
            known = any(one.id == mail.id for one in queue)
            return queues if known else queues.set(run_id, (*queue, mail))
        case did.ChildrenAnnounced(run_id=run_id) if run_id is not None:
            told = Mail(action.message_id, run_id, action.sender, action.text, Way.STEER, action.at)
            queue = queues.get(run_id, ())
            known = any(one.id == told.id for one in queue)
            return queues if known else queues.set(run_id, (*queue, told))
        case (
            did.MessageDelivered(run_id=run_id, message_id=message_id)
            | did.MessageWithdrawn(run_id=run_id, message_id=message_id)
        ):
            return _take(queues, run_id, message_id)
        case did.TeammateKilled(run_id=run_id) | did.TeammateEnded(run_id=run_id):
            return queues.delete(run_id) if run_id in queues else queues
    return queues


def _take(queues: Queues, run_id: RunId, message_id: MessageId) -> Queues:
    queue = queues.get(run_id, ())
    rest = tuple(one for one in queue if one.id != message_id)
    if len(rest) == len(queue):
        return queues
    return queues.set(run_id, rest) if rest else queues.delete(run_id)
