"""Who is acting: the identity bound to a run's task, and to all that the task starts.

A context variable, so that it follows awaits, tasks, threads and callbacks by itself. Nothing here looks
an identity up by name or guesses one: code that needs it gets the right one or is refused.
"""

from contextvars import Context, ContextVar, copy_context

from quarterdeck.domain.teammates import Identity

current_identity: ContextVar[Identity | None] = ContextVar("quarterdeck_identity", default=None)
"""None = the person, or the program itself."""


class NoIdentity(RuntimeError):
    """Something that only a teammate may do was called from outside every run."""


def bind(identity: Identity | None) -> Context:
    """A copy of the context in which `identity` acts (None = nobody); the current one stays as it is."""
    context = copy_context()
    context.run(current_identity.set, identity)
    return context


def require_identity() -> Identity:
    """The identity of the run that this code belongs to.

    :raises NoIdentity: the code runs for no teammate.
    """
    identity = current_identity.get()
    if identity is None:
        raise NoIdentity("This can only be done by a teammate; no run is bound here.")
    return identity
