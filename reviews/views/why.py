"""谁点评谁: for any reviewer and target, whether it is a duty, and why or why not."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orgs import clock, directory, scope
from orgs.models import Organization, Person, User
from orgs.requests import UserRequest
from reviews import explaining
from reviews.models import Period
from reviews.templatetags.reviews_tags import why_key
from reviews.views.duties import chosen_period

NAMED = re.compile(r".*（([^（）]+)）")  # as the box shows what it found
MOST = 12  # candidates shown for one box


@require_safe
def duty_why(request: UserRequest) -> HttpResponse:
    """Two boxes, each filled with words or with the key of a candidate that was picked."""
    period = chosen_period(request)
    reviewer = Box(request, "reviewer", _reviewers(request.user))
    target = Box(request, "target", _targets(request.user))
    context: dict[str, Any] = {"period": period, "periods": Period.objects.all(), "boxes": (reviewer, target)}
    is_open = reviewer.candidates or target.candidates or reviewer.nothing or target.nothing
    if period is not None and not is_open:
        context["answer"] = _answer(reviewer.found, target.found, period)
        context["reviewer"], context["target"] = reviewer.found, target.found
    return render(request, "reviews/duty_why.html", context)


def _answer(
    reviewer: Organization | Person | None, target: Organization | Person | None, period: Period
) -> explaining.Answer | None:
    if target is not None:
        return explaining.why_not(reviewer, target, period)
    return explaining.why_idle(reviewer, period) if isinstance(reviewer, Person) else None


class Box:
    """One of the two: what was typed, what it names, or what it might name."""

    def __init__(self, request: UserRequest, name: str, among: tuple[QuerySet[Organization], QuerySet[Person]]) -> None:
        self.name = name
        self.label = {"reviewer": "点评的组织或领导", "target": "被点评的组织或个人"}[name]
        words = request.GET.get(name, "").strip()[:60].replace("\x00", "")
        self.orgs, self.people = among
        self.found: Organization | Person | None = None
        self.candidates: list[Organization | Person] = []
        kind, _, key = words.partition(":")
        if key and kind in ("org", "person"):
            self.found = self._one(kind, key)
        elif named := NAMED.fullmatch(words):
            self.found = self._one("org", named[1]) or self._one("person", named[1])
        elif words:
            self._search(words)
        self.words = f"{self.found.name}（{why_key(self.found).partition(':')[2]}）" if self.found else words
        self.nothing = bool(words) and self.found is None and not self.candidates
        others = request.GET.copy()
        others.pop(name, None)
        self.rest = others.urlencode()

    def _search(self, words: str) -> None:
        exact: list[Organization | Person] = [
            *self.orgs.filter(Q(code=words) | Q(name=words) | Q(short_name=words))[:MOST],
            *self.people.filter(Q(number=words) | Q(name=words))[:MOST],
        ]
        close: list[Organization | Person] = [
            *self.orgs.filter(directory.named_organization(words))[:MOST],
            *self.people.filter(directory.named_person(words))[:MOST],
        ]
        some = exact or close
        if len(some) == 1:
            self.found = some[0]
        else:
            self.candidates = some[:MOST]

    def _one(self, kind: str, key: str) -> Organization | Person | None:
        return self.orgs.filter(code=key).first() if kind == "org" else self.people.filter(number=key).first()


def _people(user: User) -> QuerySet[Person]:
    return Person.objects.visible_to(user).order_by("number")


def _reviewers(user: User) -> tuple[QuerySet[Organization], QuerySet[Person]]:
    """Organisations that the user sees, and those above his own."""
    at = scope.seats(user)
    seen = scope.seen(user)
    for top in (*at.tops, *((at.branch,) if at.branch else ())):
        seen |= Q(pk__in=Organization.objects.above(top).order_by().values("pk"))
    return Organization.objects.filter(seen).alive(clock.today()).select_related("category"), _people(user)


def _targets(user: User) -> tuple[QuerySet[Organization], QuerySet[Person]]:
    """Organisations whose persons the user may see: the answer names who heads and who acts."""
    orgs = Organization.objects.filter(scope.seen_people(user)).alive(clock.today())
    return orgs.select_related("category", "parent", "led_by"), _people(user)
