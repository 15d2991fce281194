"""Prices in euros, rounded to whole cents."""

from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")


def round_price(amount: Decimal) -> Decimal:
    """Round an amount to whole cents."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def gross(net: Decimal, rate: Decimal) -> Decimal:
    """A net price with tax on it."""
    return round_price(net * (1 + rate))
