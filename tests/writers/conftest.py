"""Fixtures for the tests of writers: a browser to look at reports."""

from __future__ import annotations

import os

import browser as chromium
import pytest


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """A tab of a real browser, or skip (MEDCHECK_REQUIRE_CHROMIUM=1: fail)."""
    binary = chromium.find()
    if binary is None:
        reason = "no Chromium on this machine: the report is not looked at in a browser"
        if os.environ.get("MEDCHECK_REQUIRE_CHROMIUM") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    opened = chromium.Browser(binary, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()
