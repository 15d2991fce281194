"""The spinner's verbs: what a turn is called while it runs and once it has ended. Data only."""

VERBS: tuple[tuple[str, str], ...] = (
    ("Charting", "Charted"),
    ("Plotting", "Plotted"),
    ("Sounding", "Sounded"),
    ("Steering", "Steered"),
    ("Tacking", "Tacked"),
    ("Scouting", "Scouted"),
    ("Hoisting", "Hoisted"),
    ("Splicing", "Spliced"),
    ("Hauling", "Hauled"),
    ("Rigging", "Rigged"),
    ("Navigating", "Navigated"),
    ("Reckoning", "Reckoned"),
    ("Surveying", "Surveyed"),
    ("Rowing", "Rowed"),
    ("Anchoring", "Anchored"),
    ("Thinking", "Thought"),
    ("Weighing", "Weighed"),
    ("Sketching", "Sketched"),
    ("Sifting", "Sifted"),
    ("Tracing", "Traced"),
    ("Puzzling", "Puzzled"),
    ("Untangling", "Untangled"),
    ("Combing", "Combed"),
    ("Comparing", "Compared"),
    ("Pondering", "Pondered"),
    ("Gathering", "Gathered"),
    ("Shaping", "Shaped"),
    ("Mapping", "Mapped"),
    ("Distilling", "Distilled"),
    ("Tinkering", "Tinkered"),
)
"""Present and past; none of them names what a tool really does."""


class VerbFault(ValueError):
    """A configured verb is not `present/past`; the text says which."""


def verb_list(own: tuple[str, ...], *, replace: bool) -> tuple[tuple[str, str], ...]:
    """The shipped verbs with the person's own (`Baking/Baked`) behind them, or those alone.

    :raises VerbFault: an entry is not two words with a `/` between.
    """
    pairs = []
    for entry in own:
        present, slash, past = entry.partition("/")
        if not slash or not present.strip() or not past.strip():
            raise VerbFault(f"{entry!r} is no verb: write it as Baking/Baked.")
        pairs.append((present.strip(), past.strip()))
    if replace and pairs:
        return tuple(pairs)
    return (*VERBS, *pairs)
