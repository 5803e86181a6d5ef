"""催办: urge those who can still reach the missing ones; nobody hears of it twice on a day, and each is logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from orgs import audit, clock, scope
from orgs.errors import DomainError
from orgs.models import Organization, Person, User
from reports import exemptions, missing, notices
from reports.models import Notification, NotificationKind, Nudge
from reports.notices import Message
from reviews.models import CoverageTarget, Duty, Measure, Period

if TYPE_CHECKING:
    import datetime

LENGTH = 500
BATCH = 5000  # accounts in one query
MOST = 5000  # names: longer lists are urged further down, where they are known
LOGGED = 5
FEW = 500  # ids in one condition
NAMED = 300  # names on the page


class NudgeRefused(DomainError):
    """There is nobody to urge, or nothing to say."""


@dataclass(frozen=True)
class Audience:
    """Whom a nudge of today would reach: accounts, those of them already urged today; ids of persons without one."""

    fresh: frozenset[int]
    spared: frozenset[int]
    unreached: frozenset[int]

    @property
    def without_account(self) -> int:
        """How many must be told another way."""
        return len(self.unreached)


def may(user: User, org: Organization) -> bool:
    """Offices of the organisation or above it within the domain, its head, administrators."""
    if scope.seats(user).is_admin:
        return True
    return Organization.objects.filter(scope.office_of(user) | scope.headed(user), pk=org.pk).exists()


def text(period: Period, org: Organization, measure: Measure, count: int) -> str:
    """What it says if nobody changes it; also to be copied where there is no account."""
    unit = "个" if measure == Measure.ORGANIZATIONS else "名"
    day = f"{period.ends_on.year}年{period.ends_on.month}月{period.ends_on.day}日"
    by_then = f"期限{day}已过，请尽快" if clock.today() > period.ends_on else f"请在{day}前"
    return f"{org.name}{period.name}还有 {count} {unit}{missing.TITLES[measure]}，{by_then}完成点评并登记。"


def to_urge(
    user: User, period: Period, org: Organization, measure: Measure, *, own: bool = False
) -> QuerySet[CoverageTarget]:
    """The missing ones that the user may name and who are not exempt: for these somebody is urged."""
    named = missing.named_today(user, period, org, measure, own=own).order_by()
    return named.exclude(pk__in=exemptions.exempt(period, org, measure).values("pk"))


def audience(user: User, period: Period, org: Organization, measure: Measure, *, own: bool = False) -> Audience:
    """Who carries out the open duties towards the missing ones that the user may name; missing leaders themselves.

    Nobody urges his superiors: only reviewing organisations that the user oversees are asked.
    """
    named = to_urge(user, period, org, measure, own=own)
    open_duties = Duty.objects.open().filter(scope.seen(user, "reviewer_org__"), period=period).order_by()
    if measure == Measure.LEADERS:
        persons = set(named.values_list("person", flat=True))
    else:
        targets = (
            Q(target_org__in=named.values("organization"))
            if measure == Measure.ORGANIZATIONS
            else Q(target_person__in=named.values("person"))
        )
        rows = open_duties.filter(targets).values_list("acting", "reviewer").distinct()
        persons = {acting or reviewer for acting, reviewer in rows} - {None}
    accounts: dict[int, int] = {}
    ordered = sorted(pk for pk in persons if pk is not None)
    for start in range(0, len(ordered), BATCH):
        found = User.objects.filter(is_active=True, person__in=ordered[start : start + BATCH])
        accounts |= {person: pk for pk, person in found.values_list("pk", "person_id") if person is not None}
    urged = set(Notification.objects.filter(key=_key(clock.today())).values_list("recipient", flat=True))
    everybody = frozenset(accounts.values()) - {user.pk}
    return Audience(everybody - urged, everybody & urged, frozenset(set(ordered) - accounts.keys()))


def to_be_told(user: User, heard: Audience) -> list[Person]:
    """Who has no account, by name as far as the user may see him; some hundreds at most, in the order of numbers."""
    found: list[Person] = []
    ids = sorted(heard.unreached)
    for start in range(0, len(ids), FEW):
        found += Person.objects.visible_to(user).filter(pk__in=ids[start : start + FEW]).order_by("number")
        if len(found) >= NAMED:
            break
    return found[:NAMED]


@transaction.atomic
def send(org: Organization, *, period: Period, measure: Measure, words: str, own: bool = False, by: User) -> Nudge:
    """Urge everybody who has not been urged today; returns the log's row.

    Raises NudgeRefused where the user may not, nothing is said, or nobody is left for today; Busy.
    """
    if not may(by, org):
        raise NudgeRefused("只有本组织或上级的办公室和负责人可以催办。")
    words = " ".join(words.split())
    if not words or len(words) > LENGTH:
        raise NudgeRefused(f"请写明催办内容，最多 {LENGTH} 个字。")
    notices.hold()
    count = to_urge(by, period, org, measure, own=own).count()
    if count > MOST:
        raise NudgeRefused(f"名单超过 {MOST} 行，请到下级组织分别催办。")
    heard = audience(by, period, org, measure, own=own)
    if not heard.fresh:
        if heard.spared:
            raise NudgeRefused("这些人今天都已经催办过，明天再催，或直接联系。")
        raise NudgeRefused("没有可以催办的账号：把催办内容复制下来，另行通知。")
    on = clock.today()
    key, url = _key(on), reverse("my_duties")
    written = notices.write(
        Message(pk, key, NotificationKind.DUTIES, f"催办：{words}", words, url) for pk in heard.fresh
    )
    nudge = Nudge.objects.create(
        period=period, organization=org, measure=measure, text=words, by=by, on=on, sent=len(written),
        spared=len(heard.spared), missing=count,
    )  # fmt: skip
    audit.record(by, "催办", [org], summary=f"{org.name} {period.code} {measure.label}：{len(written)} 人")
    return nudge


def log(period: Period, org: Organization, measure: Measure) -> QuerySet[Nudge]:
    """The last ones at this organisation."""
    rows = Nudge.objects.filter(period=period, organization=org, measure=measure)
    return rows.select_related("by__person")[:LOGGED]


def _key(on: datetime.date) -> str:
    """One for each recipient and day: the constraint on notifications is the cool-down."""
    return f"nudge:{on.isoformat()}"
