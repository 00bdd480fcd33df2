"""Prices as text: exact, from the integers, with as many decimals as a column of them needs."""

from collections.abc import Iterable

from booktape.values import PRICE_SCALE

_DIGITS = 9
_FEWEST = 2


def decimals(prices: Iterable[int]) -> int:
    """How many decimals show all of these prices exactly, two at least.

    >>> decimals([65_400_000_000, 64_780_000_000]), decimals([5_214_250_000_000, 1_015_625_000])
    (2, 6)
    """
    needed = _FEWEST
    for price in prices:
        text = f"{abs(price) % PRICE_SCALE:0{_DIGITS}}".rstrip("0")
        needed = max(needed, len(text))
    return needed


def price_text(price: int, places: int | None = None) -> str:
    """A price exactly, with at least `places` decimals.

    >>> price_text(65_400_000_000), price_text(-2_500_000, 2), price_text(1_500_000_000, 4)
    ('65.40', '-0.0025', '1.5000')
    """
    places = max(places or _FEWEST, decimals([price]))
    whole, rest = divmod(abs(price), PRICE_SCALE)
    return f"{'-' if price < 0 else ''}{whole}.{f'{rest:0{_DIGITS}}'[:places]}"
