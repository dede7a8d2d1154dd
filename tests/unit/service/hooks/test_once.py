"""What is worked out once for a call."""

from b12fhir.service.hooks.once import once


class Shop:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    @once
    def price(self) -> int | None:
        """What it costs, or nothing."""
        self.asked += 1
        return None


def test_it_is_worked_out_when_asked_for_and_once_also_where_it_is_nothing() -> None:
    shop = Shop()
    assert shop.asked == 0
    assert [shop.price, shop.price] == [None, None]
    assert shop.asked == 1


def test_each_object_has_its_own() -> None:
    one, other = Shop(), Shop()
    assert one.price is other.price is None
    assert (one.asked, other.asked) == (1, 1)


def test_the_class_keeps_what_it_says_of_itself() -> None:
    assert Shop.price.__doc__ == "What it costs, or nothing."
