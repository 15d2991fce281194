"""A cart: lines of quantity and price."""

from decimal import Decimal

from .price import round_price


class Cart:
    """What a customer wants to buy."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, Decimal]] = []

    def add(self, quantity: int, price: Decimal) -> None:
        """Put a line into the cart."""
        self._lines.append((quantity, price))

    def total(self) -> Decimal:
        """What all lines cost."""
        return sum((round_price(quantity * price) for quantity, price in self._lines), Decimal(0))
