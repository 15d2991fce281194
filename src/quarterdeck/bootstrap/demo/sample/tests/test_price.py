"""How prices are rounded: half a cent goes up, as on the invoices."""

# mypy: disable-error-code="import-not-found"
# The sample is a project of its own: `shop` is found from its own root alone.

import unittest
from decimal import Decimal

from shop.cart import Cart
from shop.price import gross, round_price


class PriceTest(unittest.TestCase):
    def test_whole_cents_stay(self) -> None:
        self.assertEqual(round_price(Decimal("1.10")), Decimal("1.10"))

    def test_half_a_cent_goes_up(self) -> None:
        self.assertEqual(round_price(Decimal("2.665")), Decimal("2.67"))

    def test_tax_is_added(self) -> None:
        self.assertEqual(gross(Decimal("10.00"), Decimal("0.19")), Decimal("11.90"))

    def test_an_empty_cart_costs_nothing(self) -> None:
        self.assertEqual(Cart().total(), Decimal(0))


if __name__ == "__main__":
    unittest.main()
