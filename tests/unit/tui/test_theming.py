"""Themes: the shipped ones can be read by everybody, a user's faulty one is told with file and line."""

from itertools import product
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from quarterdeck.tui.rendering.roles import roles_of
from quarterdeck.tui.theming import load_themes

SHIPPED = ("quarterdeck-contrast", "quarterdeck-dark", "quarterdeck-light", "quarterdeck-safe")
TEXT = (
    "foreground",
    "qd-quiet",
    "qd-needs",
    "qd-fail",
    "qd-flag",
    "qd-work",
    "qd-done",
    "text-muted",
    "text-disabled",
)
STRIPES = tuple(f"qd-id-{number}" for number in range(1, 9))
UI = ("qd-focus", "qd-rule", "border", "border-blurred")
GROUNDS = ("background", "surface", "qd-select", "qd-past")


def colour(theme: Theme, token: str) -> Color:
    return Color.parse(theme.variables.get(token) or getattr(theme, token))


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(value: Color) -> float:
        parts = [part / 255 for part in value.rgb]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_all_shipped_themes_load_without_a_fault() -> None:
    themes, faults = load_themes(None)
    assert tuple(sorted(themes)) == SHIPPED
    assert faults == []
    assert [name for name, theme in themes.items() if not theme.dark] == ["quarterdeck-light"]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_themes_keep_their_least_contrast(name: str) -> None:
    theme = load_themes(None)[0][name]
    least = 7.0 if name == "quarterdeck-contrast" else 4.5
    for token, ground in product((*TEXT, *STRIPES), GROUNDS):
        assert contrast(colour(theme, token), colour(theme, ground)) >= least, (token, ground)
    for token, ground in product(UI, GROUNDS):
        assert contrast(colour(theme, token), colour(theme, ground)) >= 3.0, (token, ground)
    for token in ("qd-add", "qd-del"):
        assert contrast(colour(theme, token), colour(theme, f"{token}-bg")) >= least, token
    assert contrast(colour(theme, "background"), colour(theme, "qd-needs")) >= least


@pytest.mark.parametrize("name", SHIPPED)
def test_every_role_has_its_own_colour_from_the_theme(name: str) -> None:
    theme = load_themes(None)[0][name]
    roles = roles_of(theme)
    assert roles.needs.color is not None
    assert roles.needs.color.get_truecolor().hex == theme.variables["qd-needs"]
    assert roles.select.bgcolor is not None
    assert roles.select.bgcolor.get_truecolor().hex == theme.variables["qd-select"]
    assert len({style.color for style in roles.ids}) == 8
    assert roles.stripe(9) == roles.ids[1]


def test_without_colour_no_style_holds_one_and_states_stay_apart() -> None:
    roles = roles_of(load_themes(None)[0]["quarterdeck-dark"], colour=False)
    styles = [
        value
        for field in roles.__struct_fields__
        if field not in ("colour", "ids")
        for value in [getattr(roles, field)]
    ] + list(roles.ids)
    assert all(style.color is None and style.bgcolor is None for style in styles)
    assert len({roles.needs, roles.fail, roles.flag, roles.work, roles.quiet}) == 5
    assert roles.select.reverse


def test_a_theme_of_textual_without_our_roles_still_gives_styles() -> None:
    roles = roles_of(Theme(name="other", primary="#112233", foreground="#ffffff", warning="#ff0000"))
    assert roles.needs.color is not None
    assert roles.needs.color.get_truecolor().hex == "#ff0000"


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_a_user_theme_takes_what_it_does_not_set_from_its_base(tmp_path: Path) -> None:
    write(tmp_path, "mine.toml", 'base = "quarterdeck-light"\n[variables]\nqd-needs = "#990000"\n')
    themes, faults = load_themes(tmp_path)
    light, mine = themes["quarterdeck-light"], themes["mine"]
    assert faults == []
    assert mine.variables["qd-needs"] == "#990000"
    assert mine.variables["qd-fail"] == light.variables["qd-fail"]
    assert (mine.dark, mine.background) == (False, light.background)
    assert light.variables["qd-needs"] != "#990000"


def test_a_user_theme_may_be_based_on_a_later_one_of_the_user(tmp_path: Path) -> None:
    write(tmp_path, "a.toml", 'base = "z"\n')
    write(tmp_path, "z.toml", 'background = "#000001"\n')
    themes, faults = load_themes(tmp_path)
    assert faults == []
    assert themes["a"].background == "#000001"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('dark = true\nwarnin = "#ff0000"\n', 2, "warnin"),
        ('[variables]\nqd-needs = "#ff0000"\nqd-need = "#ff0000"\n', 3, "qd-need"),
        ('[variables]\nqd-needs = "redish"\n', 2, "redish"),
        ('warning = "#12345"\n', 1, "#12345"),
        ('[variables]\nqd-needs = "#ff000080"\n', 2, "#ff000080"),
        ("text_alpha = 7\n", 1, "text_alpha"),
        ('dark = "yes"\n', 1, "dark"),
        ('[variables]\nblock-cursor-text-style = "loud"\n', 2, "loud"),
        ('name = "x"\nbase = "nowhere"\n', 2, "nowhere"),
        ('name = "quarterdeck-dark"\n', 0, "taken"),
        ("name = \n", 1, "TOML"),
    ],
)
def test_a_fault_names_file_and_line_in_one_line_and_spares_the_others(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    write(tmp_path, "bad.toml", text)
    write(tmp_path, "good.toml", 'warning = "#ff0000"\n')
    themes, faults = load_themes(tmp_path)
    assert "good" in themes
    assert set(themes) == {*SHIPPED, "good"}
    (fault,) = faults
    assert (fault.path, fault.line) == (tmp_path / "bad.toml", line)
    assert says in fault.message
    assert str(fault).startswith(f"bad.toml:{line}:" if line else "bad.toml:")
    assert "\n" not in str(fault)


def test_a_fault_shows_no_control_character(tmp_path: Path) -> None:
    write(tmp_path, "bad\x1b]0;x.toml", 'warning = "\\u001b[31m"\n')
    (fault,) = load_themes(tmp_path)[1]
    assert "\x1b" not in str(fault)
