"""How hard Hypothesis tries: `pytest tests/conformance --hypothesis-profile=thorough` for the long run."""

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.conformance.agreement")

settings.register_profile("thorough", max_examples=3_000)
