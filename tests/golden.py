"""The figures that real files must come out with, as an independent, slow reference book found them."""

from booktape.audit import Audit, AuditBook

CLX5_ANOMALIES = {"unknown_cancel": 1_224, "unknown_modify": 216}


def check_clx5(audit: Audit) -> None:
    """CL futures that start mid-session, without a snapshot, and end in a crossed pre-open auction."""
    assert audit["records"] == 38_212
    assert audit["event_ends"] == 32_053
    assert audit["crossed_event_ends"] == 172
    assert {kind: count for kind, count in audit["anomalies"].items() if count} == CLX5_ANOMALIES
    (book,) = audit["books"]
    assert (book["orders"], book["bid_levels"], book["ask_levels"]) == (147, 61, 52)
    assert best(book, "bid") == ("65400000000", 65.40, 1, 1)
    assert best(book, "ask") == ("64780000000", 64.78, 3, 1)
    assert best(book, "matched_bid")[:2] == ("64790000000", 64.79)
    assert best(book, "matched_ask")[:2] == ("64800000000", 64.80)
    assert book["executions"] == {"count": 7, "size": 11}
    assert book["uncross"] == {"price": "64800000000", "price_f": 64.80, "size": 11, "imbalance": 4, "side": "A"}


def check_esm4(audit: Audit) -> None:
    """ES futures: a clear, a snapshot, then live records."""
    assert audit["records"] == 13_796
    assert audit["event_ends"] == 185
    assert audit["crossed_event_ends"] == 0
    assert not any(audit["anomalies"].values())
    (book,) = audit["books"]
    assert (book["orders"], book["bid_levels"], book["ask_levels"]) == (13_598, 976, 571)
    assert best(book, "bid") == ("5214000000000", 5214.00, 28, 22)
    assert best(book, "ask") == ("5214250000000", 5214.25, 17, 11)
    assert book["uncross"] is None
    assert book["executions"] == {"count": 0, "size": 0}


def best(book: AuditBook, which: str) -> tuple[str, float, int, int]:
    """One of the book's best levels, as a tuple."""
    levels = {"bid": book["bid"], "ask": book["ask"]}
    levels |= {"matched_bid": book["matched_bid"], "matched_ask": book["matched_ask"]}
    level = levels[which]
    assert level is not None
    return level["price"], level["price_f"], level["size"], level["count"]
