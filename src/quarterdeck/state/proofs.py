"""The proof of a kill: what is left of the run, as facts tell it."""

import msgspec

from quarterdeck.domain.teammates import KillProof
from quarterdeck.state import actions as did

replace = msgspec.structs.replace


def prove(proof: KillProof, action: did.Action) -> KillProof:
    """Fold one fact in; the same object when nothing changed."""
    match action:
        case did.KillStreamClosed(after_s=after_s) if proof.stream_closed_s is None:
            return replace(proof, stream_closed_s=after_s)
        case did.KillProcessesCounted(left=left, total=total, after_s=after_s):
            ended = after_s if left == 0 else None
            new = replace(
                proof,
                processes_left=left,
                processes_total=max(total, proof.processes_total),
                processes_ended_s=ended if proof.processes_ended_s is None else proof.processes_ended_s,
            )
            return proof if new == proof else new
        case did.KillTaskEnded(after_s=after_s, detached=detached):
            return replace(proof, task_ended_s=after_s, detached=detached)
        case did.RequestRefusedAfterKill():
            return replace(proof, refused_since=proof.refused_since + 1)
    return proof
