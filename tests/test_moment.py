from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

import booktape as bt
from booktape.moment import Moment, iso, nanoseconds

NS = 1758742200001385399
ISO = "2025-09-24T19:30:00.001385399Z"


@pytest.mark.parametrize(
    "time",
    [
        ISO,
        "2025-09-24 19:30:00.001385399",
        "2025-09-24T21:30:00.001385399+02:00",
        "2025-09-24T12:30:00,001385399-0700",
        np.datetime64(NS, "ns"),
        pd.Timestamp(ISO),
        pd.Timestamp("2025-09-24T14:30:00.001385399-05:00"),
    ],
)
def test_every_form_of_a_time_keeps_its_nanoseconds(time: object) -> None:
    assert nanoseconds(time) == NS


def test_datetimes_count_microseconds_and_are_utc_without_a_zone() -> None:
    known = datetime(2025, 9, 24, 19, 30, 0, 1385, tzinfo=UTC)
    elsewhere = known.astimezone(timezone(timedelta(hours=-5)))
    assert nanoseconds(known) == nanoseconds(elsewhere) == nanoseconds(known.replace(tzinfo=None)) == NS - 399


def test_a_day_is_its_first_nanosecond() -> None:
    assert nanoseconds("2025-09-24") == nanoseconds("2025-09-24T00:00") == nanoseconds(np.datetime64("2025-09-24"))


def test_iso_is_read_back_as_it_was_written() -> None:
    assert iso(NS) == ISO
    assert Moment.parse(iso(NS)) == Moment(ts=NS) == Moment.parse(f"ns:{NS}")


def test_a_plain_integer_is_an_index() -> None:
    assert Moment.parse(" 17 ") == Moment.of(17) == Moment.of(np.int64(17)) == Moment(index=17)


@pytest.mark.parametrize(
    "text", ["", "-1", "yesterday", "ns:", "ns:-5", "ns:1.5", "2025-13-01", "2025-09-24T25:00", "19:30", "٣", "1e9"]
)
def test_what_is_no_moment_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(bt.ParameterError, match=r"at = .*an index, an ISO time such as"):
        Moment.parse(text)


@pytest.mark.parametrize("value", [True, 1.5, None, object(), np.datetime64("NaT"), 2**70])
def test_what_is_no_moment_in_python_is_refused(value: object) -> None:
    with pytest.raises(bt.ParameterError, match="at = "):
        Moment.of(value)  # type: ignore[arg-type]


def test_a_moment_is_given_once() -> None:
    with pytest.raises(bt.ParameterError, match="not both"):
        Moment.of(5, ts=NS)
