"""Pages as a browser asks for them, each beside a page that looks one person up by the primary key.

The ratio here is ours ÷ baseline: how many look-ups a page costs, log-in, session and templates included.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from django.test import Client, override_settings
from django.urls import reverse

from benchmarks.measures import Line, seconds
from orgs import accounts, clock
from orgs.models import Membership, Organization, Person, Post, PostRole, User

ASKED = 9
PAGE = 50
ROW = '<th scope="row">'


class Page(Line):
    """A page beside the look-up."""

    def __str__(self) -> str:
        assert self.theirs is not None  # noqa: S101  # every page has one
        ratio = f"{self.ours / self.theirs:,.1f} ×"
        return f"{self.what:<58} {seconds(self.ours):>10} {seconds(self.theirs):>10} {ratio:>12}   {self.baseline}"


def _median(client: Client, address: str) -> tuple[float, str]:
    """The median of some requests after a first one, and the page."""
    took, text = [], ""
    for _ in range(ASKED + 1):
        began = time.perf_counter()
        answer = client.get(address)
        took.append(time.perf_counter() - began)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        text = answer.content.decode()
    return statistics.median(took[1:]), text


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _office(code: str) -> User:
    user = User.objects.create(username=f"bench-{code}")
    accounts.grant_office(user, Organization.objects.get(code=code), by=None)
    return user


def _seen(org: Organization) -> int:
    """Persons of an organisation's subtree within its domain, counted from the other side than the list."""
    on = clock.today()
    inside = Organization.objects.below(org, include_self=True).filter(domain=org.domain_id).values("pk")
    members = Membership.objects.valid(on).filter(branch__in=inside).values_list("person", flat=True)
    holders = Post.objects.valid(on).filter(organization__in=inside).values_list("person", flat=True)
    return len(set(members.order_by()) | set(holders.order_by()))


@override_settings(ALLOWED_HOSTS=["testserver"])
def measure() -> Iterator[Line]:
    """The tree, a search and the lists of people from the seats that differ."""
    bureau = Organization.objects.filter(code__startswith="B", parent__code="1").order_by("code")[0]
    branch = Organization.objects.below(bureau).filter(org_type="branch").order_by("code")[0]
    head = Post.objects.get(organization=branch, role=PostRole.SECRETARY).person
    admin = User.objects.create(username="bench-admin", is_superuser=True, is_staff=True)
    seats = {
        "administrator": (_client(admin), Person.objects.count()),
        "office of the root": (_client(_office("1")), _seen(Organization.objects.get(code="1"))),
        "office of a bureau": (_client(_office(bureau.code)), _seen(bureau)),
        "head of a branch": (_client(User.objects.create(username="bench-head", person=head)), None),
    }
    client = seats["administrator"][0]
    lookup, text = _median(client, reverse("person", args=[head.number]))
    assert head.name in text, "the person's page does not name him"
    words = "a person's page"

    took, text = _median(client, reverse("organizations"))
    assert f">{bureau.name}<" in text, "the tree has no bureau"
    yield Page("tree view, first page", took, words, lookup)
    took, text = _median(client, f"{reverse('organizations')}?open={branch.code}")
    assert 'id="opened"' in text, "the tree was not opened"
    yield Page("tree view, opened down to a branch", took, words, lookup)
    took, text = _median(client, f"{reverse('organizations')}?q=组织{bureau.code}")
    assert f">{bureau.name}<" in text.split(ROW)[1], "the exact name is not the first"
    yield Page("search by part of a name", took, words, lookup)
    took, text = _median(client, f"{reverse('organizations')}?q={branch.code}")
    assert f">{branch.name}<" in text, "the branch was not found"
    yield Page("search by code", took, words, lookup)
    for seat, (client, expected) in seats.items():
        took, text = _median(client, reverse("people"))
        rows = text.count(ROW)
        assert rows if expected is None else rows == min(PAGE, expected), f"{seat}: {rows} rows of {expected}"
        yield Page(f"people, {seat}", took, words, lookup)
        took, _text = _median(client, f"{reverse('people')}?sort=name&post=none")
        yield Page(f"people without a post by name, {seat}", took, words, lookup)
