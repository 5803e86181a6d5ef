"""Choosing who reviews: the leaders in whose name the user assigns and draws, found by what somebody types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Case, Q, QuerySet, Value, When

from orgs import clock, directory, pinyin
from orgs.models import Organization, Post
from reviews import assignments

if TYPE_CHECKING:
    from orgs.models import User

LISTED = 50  # so many are simply listed; of more, so many at once
HOW = "可以输入姓名、拼音或首字母、人员编号、组织的名称或代码。"


@dataclass(frozen=True)
class Choice:
    """What there is to choose from, the chosen one among it."""

    posts: list[Post]
    chosen: Post | None
    words: str
    is_long: bool = False  # more than are listed at once: somebody has to search
    found: int = 0  # of a long list: by the words, listed or not
    more: int = 0  # found, and not listed

    @property
    def is_empty(self) -> bool:
        """There is nobody, however one searches."""
        return not self.posts and not self.is_long

    @property
    def default(self) -> Post | None:
        """The chosen one; else the first of a short list, or the only one that was found."""
        only = not self.is_long or (self.words and len(self.posts) == 1)
        return self.chosen or (self.posts[0] if self.posts and only else None)

    @property
    def options(self) -> list[tuple[str, str]]:
        """For a select."""
        return [
            (str(post.pk), f"{post.person.name} · {post.organization.display_name} {post.title}") for post in self.posts
        ]

    @property
    def said(self) -> str:
        """How many were found, how many more there are, and what to do; "" for a short list."""
        if not self.is_long:
            return ""
        if not self.found:
            return f"没有找到“{self.words}”。{HOW}"
        more = (
            f"还有 {self.more} 位（按任职计）没有列出，请输入{'更完整的' if self.words else ''}姓名查找。"
            if self.more
            else ""
        )
        return (f"找到 {self.found} 位（按任职计）。" if self.words else "") + more


def of(user: User) -> QuerySet[Post]:
    """Posts from which one may review in the name of the organisations that the user assigns for."""
    orgs = Organization.objects.filter(assignments.works_for(user)).values("pk")
    held = Post.objects.valid(clock.today()).filter(organization__in=orgs)
    return held.select_related("person", "organization").order_by("organization__level", "organization__code", "pk")


def search(posts: QuerySet[Post], words: str) -> QuerySet[Post]:
    """By the person's name, pinyin or number, or the organisation's name, pinyin or code; whose very name it is first."""
    of_person, of_org = directory.named_person(words, "person__"), directory.named_organization(words, "organization__")
    exact = Q(person__name=words) | Q(person__number__iexact=words)
    if reading := pinyin.typed(words):
        exact |= Q(person__pinyin=reading)
    rank = Case(When(exact, then=Value(0)), default=Value(1))
    return posts.filter(of_person | of_org).order_by(rank, *posts.query.order_by)


def choice(user: User, *, words: str = "", chosen: str = "") -> Choice:
    """Everybody where they are few; else the first of those found. The chosen one is always among them.

    `chosen` is the id of a post as it was sent; a foreign one chooses nobody.
    """
    everybody = of(user)
    number = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else 0
    if everybody.order_by()[: LISTED + 1].count() <= LISTED:
        few = list(everybody)
        return Choice(few, next((post for post in few if post.pk == number), None), words)
    at = everybody.filter(pk=number).first() if number else None
    matches = search(everybody, words) if words else everybody
    listed, found = list(matches[:LISTED]), matches.order_by().count()
    more = found - len(listed)
    if at is not None and at not in listed:
        more -= matches.filter(pk=at.pk).exists()
        listed.insert(0, at)
    return Choice(listed, at, words, is_long=True, found=found, more=more)
