"""Reading by other programs: organisations, periods, duties, coverage and annex 1 as JSON, by token, within the account's scope.

Read only. What the account does not see is not there (404, or left out of a list). Lists come in the order of their
keys, `limit` at a time; `next` is what to ask for as `after` to go on, null at the end: the cost of a page does not
grow with how far one has come. Texts of reviews are not read here.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from ninja import NinjaAPI, Path, Query, Schema
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.security import HttpBearer
from pydantic import Field, field_validator

from orgs import clock, directory, tokens
from orgs.models import Organization, OrgType, User
from reports import coverage as figures_of
from reports.coverage import Figures, Unit
from reports.models import ProgressReport, ReportState, RowBasis
from reviews.models import Duty, DutyStatus, Measure, Period

Found = TypeVar("Found", bound=Model)
Item = TypeVar("Item")
MOST = 1000
READ = ["读取"]
Code = Annotated[str, Path(max_length=50, description="组织代码")]


class Token(HttpBearer):
    """接口令牌, in the header Authorization."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The account, which is then the user of the request."""
        user = tokens.whose(token)
        if user is not None:
            request.user = user
        return user


api = NinjaAPI(
    title="领导点评系统接口",
    version="1",
    description="只读。请求头 Authorization: Bearer 令牌；令牌在“接口令牌”页建立，看到的与建立它的账号相同。",
    auth=Token(),
    urls_namespace="api",
    docs=Swagger({"defaultModelsExpandDepth": -1}),
)


# --- what is told ------------------------------------------------------------------------------------------------


class Many(Schema, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: int | None = Field(description="下一页的 after；没有下一页时为 null")


class OrganizationOut(Schema):
    """A Party organisation."""

    code: str = Field(description="组织代码")
    name: str = Field(description="名称")
    short_name: str = Field(description="简称")
    org_type: str = Field(description=f"组织类型：{'、'.join(f'{kind.value} {kind.label}' for kind in OrgType)}")
    category: str = Field(alias="category.name", description="单位类别")
    parent: str | None = Field(None, alias="parent.code", description="上级代码；上级不在可见范围内时为 null")
    relation: str = Field(description="与上级的关系：affiliation 隶属，guidance 指导")
    founded_on: datetime.date | None = Field(description="成立日期")
    dissolved_on: datetime.date | None = Field(description="撤销日期")


class PeriodOut(Schema):
    """A period."""

    code: str = Field(description="代码，例如 2010H2")
    name: str
    starts_on: datetime.date
    ends_on: datetime.date


class DutyOut(Schema):
    """A duty; what the duties csv says, and where its target belongs."""

    id: int
    rule: str = Field(alias="rule_code", description="规则代码，X 为指派")
    reviewer_kind: str = Field(description="org 组织，person 书记本人")
    reviewer_org: str = Field(alias="reviewer_org.code", description="点评组织代码")
    reviewer_person: str | None = Field(None, alias="reviewer.number", description="以书记本人点评的人员编号")
    acting_person: str | None = Field(None, alias="acting.number", description="点评领导的人员编号")
    target_org: str | None = Field(None, alias="target_org.code", description="被点评组织代码")
    target_person: str | None = Field(None, alias="target_person.number", description="被点评人的人员编号")
    about_org: str = Field(alias="about_org.code", description="被点评的组织，或被点评人所在组织的代码")
    basis: str = Field(description="依据")
    joint_group: str = Field(description="共同点评组")
    due_on: datetime.date = Field(description="截止日期")
    status: str = Field(description="pending 未点评，done 已完成，exempt 已免除")


class FigureOut(Schema):
    """Of one measure."""

    due: int = Field(description="应")
    done: int = Field(description="已")


class FiguresOut(Schema):
    """Of an organisation with all below it, of itself alone (本级), or of the children out of the account's scope."""

    code: str = Field(description="组织代码；不在可见范围内的下级合为一行，代码为空")
    name: str
    is_own: bool = Field(description="本级：不含下级")
    leaders: FigureOut = Field(description="参加点评的领导")
    organizations: FigureOut = Field(description="被点评的党组织")
    members: FigureOut = Field(description="被点评的党员")


class CoverageOut(Schema):
    """Coverage of an organisation, its own and each child's: the rows add up to the total."""

    period: str
    total: FiguresOut
    rows: list[FiguresOut]


class ReportRowOut(Schema):
    """A line of annex 1: 应, 新增, 累计."""

    unit: str = Field(alias="unit_name", description="单位名称")
    organization: str = Field(alias="organization.code", description="单位代码")
    basis: str = Field(description=f"依据：{'、'.join(f'{one.value} {one.label}' for one in RowBasis)}；早先的报表为空")
    absence: str = Field(description="未报说明")
    due_leaders: int
    new_leaders: int
    done_leaders: int
    due_organizations: int
    new_organizations: int
    done_organizations: int
    due_members: int
    new_members: int
    done_members: int


class ReportOut(Schema):
    """附件1 as it was sent."""

    id: int
    organization: str = Field(alias="organization.code", description="上报单位代码")
    unit: str = Field(alias="unit_name", description="上报单位")
    period: str = Field(alias="period.code", description="点评期代码")
    reported_on: datetime.date = Field(description="上报日期")
    sent_on: datetime.date | None = Field(description="报送日期")
    correction_note: str = Field(description="更正说明")
    state: str = Field(description=f"状态：{'、'.join(f'{state.value} {state.label}' for state in ReportState)}")
    rows: list[ReportRowOut]


# --- what is asked -------------------------------------------------------------------------------------------------


class Portion(Schema):
    """Which part of a list."""

    after: int = Field(0, ge=0, lt=2**62, description="从上一页的 next 接着读")
    limit: int = Field(100, ge=1, le=MOST, description=f"每页条数，最多 {MOST}")

    @field_validator("*", mode="before")
    @classmethod
    def without_nul(cls, value: Any) -> Any:
        """No database takes it."""
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("NUL")
        return value


class OrganizationsAsked(Portion):
    """Which organisations."""

    q: str = Field("", max_length=100, description="名称或简称中的文字，或代码的开头")
    type: OrgType | None = Field(None, description="组织类型")
    parent: str = Field("", max_length=50, description="直接上级的代码")


class DutiesAsked(Portion):
    """Which duties."""

    period: str = Field(max_length=20, description="点评期代码")
    rule: str = Field("", max_length=10, description="规则代码")
    status: DutyStatus | None = Field(None, description="状态")
    reviewer_org: str = Field("", max_length=50, description="点评组织代码")
    about_org: str = Field("", max_length=50, description="被点评的组织，或被点评人所在组织的代码")


class ReportsAsked(Portion):
    """Which reports."""

    period: str = Field("", max_length=20, description="点评期代码")
    organization: str = Field("", max_length=50, description="上报单位代码")


@api.get("/organizations", response=Many[OrganizationOut], tags=READ, summary="组织")
def organizations(request: HttpRequest, asked: Query[OrganizationsAsked]) -> dict[str, Any]:
    """Living organisations that the account sees."""
    user = _user(request)
    found = Organization.objects.visible_to(user).alive(clock.today())
    if asked.q:
        found = found.filter(directory.named_organization(asked.q))
    if asked.type:
        found = found.filter(org_type=asked.type)
    if asked.parent:
        found = found.filter(parent__in=Organization.objects.visible_to(user).filter(code=asked.parent).values("pk"))
    page = _portion(found.select_related("category", "parent"), asked)
    _hide_superiors(user, page["items"])
    return page


@api.get("/organizations/{code}", response=OrganizationOut, tags=READ, summary="一个组织")
def organization(request: HttpRequest, code: Code) -> Organization:
    """One organisation, a dissolved one too."""
    found = _organization(request, code)
    _hide_superiors(_user(request), [found])
    return found


@api.get("/periods", response=list[PeriodOut], tags=READ, summary="点评期")
def periods(request: HttpRequest) -> QuerySet[Period]:
    """Every period, the newest first."""
    return Period.objects.all()


@api.get("/duties", response=Many[DutyOut], tags=READ, summary="点评任务")
def duties(request: HttpRequest, asked: Query[DutiesAsked]) -> dict[str, Any]:
    """Duties of a period that the account sees."""
    found = Duty.objects.visible_to(_user(request)).filter(period=_period(asked.period))
    for name, value in (
        ("rule_code", asked.rule),
        ("status", asked.status),
        ("reviewer_org__code", asked.reviewer_org),
        ("about_org__code", asked.about_org),
    ):
        if value:
            found = found.filter(**{name: value})
    return _portion(
        found.select_related("reviewer_org", "reviewer", "acting", "target_org", "target_person", "about_org"), asked
    )


@api.get("/coverage/{code}", response=CoverageOut, tags=READ, summary="覆盖情况")
def coverage(request: HttpRequest, code: Code, period: Annotated[str, Query(max_length=20)]) -> dict[str, Any]:
    """Coverage now, exact to the last confirmed review; children out of the account's scope stand together in one row."""
    org, found = _organization(request, code), _period(period)
    rows, others = figures_of.seen_by(_user(request), figures_of.by_child(found, org))
    listed = [_figures(row.org, row.figures, is_own=row.is_own) for row in rows]
    if others:
        numbers = _numbers(figures_of.added(row.figures for row in others))
        listed.append({"code": "", "name": figures_of.others(len(others)), "is_own": False, **numbers})
    total = figures_of.added(row.figures for row in (*rows, *others))
    return {"period": found.code, "total": _figures(org, total), "rows": listed}


@api.get("/reports", response=Many[ReportOut], tags=READ, summary="附件1")
def reports(request: HttpRequest, asked: Query[ReportsAsked]) -> dict[str, Any]:
    """Reports that were sent, with their lines as sent."""
    found = ProgressReport.objects.visible_to(_user(request)).frozen()
    if asked.period:
        found = found.filter(period=_period(asked.period))
    if asked.organization:
        found = found.filter(organization__code=asked.organization)
    return _portion(found.select_related("organization", "period").prefetch_related("rows__organization"), asked)


# --- inside ----------------------------------------------------------------------------------------------------------


def _user(request: HttpRequest) -> User:
    """Whose token it is; `Token` has made sure."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def _one(rows: QuerySet[Found], code: str, what: str) -> Found:
    found = rows.filter(code=code).first() if "\x00" not in code else None
    if found is None:
        raise HttpError(404, f"{what}“{code}”不存在，或不在您的范围内。")
    return found


def _organization(request: HttpRequest, code: str) -> Organization:
    rows = Organization.objects.visible_to(_user(request)).select_related("category", "parent")
    return _one(rows, code, "组织")


def _period(code: str) -> Period:
    return _one(Period.objects.all(), code, "点评期")


def _portion(found: QuerySet[Found], asked: Portion) -> dict[str, Any]:
    rows = list(found.filter(pk__gt=asked.after).order_by("pk")[: asked.limit + 1])
    return {"items": rows[: asked.limit], "next": rows[asked.limit - 1].pk if len(rows) > asked.limit else None}


def _hide_superiors(user: User, rows: list[Organization]) -> None:
    """A superior out of sight is not named."""
    ids = {org.parent_id for org in rows if org.parent_id}
    seen = set(Organization.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    for org in rows:
        if org.parent_id not in seen:
            org.parent = None


def _figures(org: Organization | Unit, figures: Figures, *, is_own: bool = False) -> dict[str, Any]:
    return {"code": org.code, "name": org.name, "is_own": is_own, **_numbers(figures)}


def _numbers(figures: Figures) -> dict[str, Any]:
    return {measure.value: {"due": figures[measure].due, "done": figures[measure].done} for measure in Measure}


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Which part of the address is wrong."""
    names = "、".join(dict.fromkeys(str(one["loc"][-1]) for one in error.errors))
    return api.create_response(request, {"detail": f"参数不对：{names}。请对照接口说明改正。"}, status=422)


def _urls() -> tuple[list[Any], str, str]:
    """The token is the log-in here; only the pages of the documentation want one by the browser."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.name not in ("openapi-json", "openapi-view", "api-root"):
            pattern.callback.login_required = False  # type: ignore[attr-defined]
    return patterns, app, namespace


urls = _urls()
