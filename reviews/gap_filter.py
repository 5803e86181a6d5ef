"""Which of the gaps are asked for: below an organisation, of a category, found by words. Selects only."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.http import QueryDict

from orgs import directory, scope, tables
from orgs.models import Organization, Person, Post, User
from orgs.people_table import organizations_meant

if TYPE_CHECKING:
    from reviews.gaps import Kind


@dataclass(frozen=True)
class Only:
    """What is asked for; an empty condition takes all."""

    org: str = ""  # a code or a name, as typed
    category: str = ""
    words: str = ""
    orgs: tuple[Organization, ...] = ()  # that `org` means

    @property
    def refusal(self) -> str:
        """Why nothing can be found by what was typed; "" where it can."""
        return f"找不到组织“{self.org}”：请填写您看得到的组织的代码或全称。" if self.org and not self.orgs else ""

    @property
    def query(self) -> dict[str, str]:
        """As it stands in the address."""
        asked = {"org": self.org, "category": self.category, "q": self.words}
        return {name: value for name, value in asked.items() if value}

    @property
    def conditions(self) -> str:
        """In words, for the trail."""
        said = (("组织", self.org), ("单位类别", self.category), ("查找", self.words))
        return "，".join(f"{label}：{value}" for label, value in said if value)

    def narrow(self, rows: QuerySet[Any], kind: Kind, on: datetime.date) -> QuerySet[Any]:
        """Those of the rows of a kind that are asked for. A person who stands nowhere is found by where he has posts."""
        if self.org or self.category:
            if kind.at:
                rows = rows.filter(self._where("" if kind.at == "pk" else f"{kind.at}__"))
            else:
                held = Post.objects.valid(on).filter(self._where("organization__"))
                rows = rows.filter(**{f"{kind.place}__in": held.order_by().values("person")})
        return rows.filter(self._named(kind)) if self.words else rows

    def _where(self, prefix: str) -> Q:
        found = scope.any_of([scope.in_range(org, prefix) for org in self.orgs]) if self.org else Q()
        return found & Q(**{f"{prefix}category__name": self.category}) if self.category else found

    def _named(self, kind: Kind) -> Q:
        orgs = Organization.objects.filter(directory.named_organization(self.words))
        if not kind.of_person:
            return Q(**{f"{kind.place}__in": orgs.order_by().values("pk")})
        persons = Person.objects.filter(directory.named_person(self.words))
        found = Q(**{f"{kind.place}__in": persons.order_by().values("pk")})
        return found | Q(**{f"{kind.at}__in": orgs.order_by().values("pk")}) if kind.at else found


EVERY = Only()


def asked(query: QueryDict, user: User) -> Only:
    """What an address asks for; organisations as far as the user sees them."""
    org, category, words = (tables.typed(query, name) for name in ("org", "category", "q"))
    return Only(org, category, words, tuple(organizations_meant(org, user)) if org else ())
