"""Every list that is a file: what its view tells is what is written, at once and in the background, and for whom."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgs import clock, list_files
from orgs.models import Organization, User
from reviews import duties
from reviews.models import Period
from tests.flows.test_every_url import URLS, World, world  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

LISTS = sorted(name for name, entry in URLS.items() if hasattr(entry.callback, "tell"))


def address(world: World, name: str) -> str:  # noqa: F811
    """Where the list of the world's object is, as a workbook."""
    keys = world.keys.get(name, {})
    return reverse(name, kwargs={**keys, "kind": "xlsx"} if "kind" in keys else keys)


@pytest.mark.parametrize("name", LISTS)
def test_as_many_rows_are_told_as_come(world, name):  # noqa: F811
    if name == "gaps_export":
        duties.regenerate(Period.objects.get(code="2010H2"), on=clock.today())
    found = list_files.told_at(address(world, name), world.users["admin"])
    assert found.count == sum(len(list(sheet.rows)) for sheet in found.sheets)
    assert found.back.startswith("/")
    assert all(1 <= len(sheet.title) for sheet in found.sheets)
    assert len({sheet.title for sheet in found.sheets}) == len(found.sheets)


def test_all_lists_are_known():
    assert len(LISTS) >= 12


def test_a_code_in_chinese_is_found_by_its_address(world):  # noqa: F811
    Organization.objects.filter(code="13").update(code="津13")
    url = reverse("coverage_missing_file", args=["津13", "members", "xlsx"])
    assert "%" in url
    assert list_files.told_at(url, world.users["admin"]).about[0].code == "津13"


def test_nobody_who_is_locked_out_gets_one(world):  # noqa: F811
    User.objects.filter(pk=world.users["admin"].pk).update(is_active=False)
    with pytest.raises(list_files.NoList):
        list_files.told_at(reverse("people_export"), User.objects.get(pk=world.users["admin"].pk))


def test_who_is_no_administrator_any_more_gets_no_list_of_administrators(world):  # noqa: F811
    url = address(world, "generation_lines_file")
    assert list_files.told_at(url, world.users["admin"])
    User.objects.filter(pk=world.users["admin"].pk).update(is_superuser=False)
    with pytest.raises(list_files.NoList, match="不能查看"):
        list_files.told_at(url, User.objects.get(pk=world.users["admin"].pk))
