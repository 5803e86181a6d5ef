"""The admin changes rules and checklist, with an event; it only shows half-years and duties."""

import datetime

import pytest
from django.urls import reverse

from orgs.models import AuditEvent, Scheme
from reviews import duties
from reviews.models import ChecklistPoint, Duty, Period, Rule, RuleSelector
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def admin(cast, as_user):
    return as_user(cast.user["admin"])


def page(name, *args):
    return reverse(f"admin:reviews_{name}", args=args)


def as_posted(rule, selectors=None, **changes):
    """The rule's form as the browser sends it back, with some fields changed."""
    texts = ("code", "order", "clause", "text", "reviewer_kind", "reach", "basis", "cadence", "joint")
    flags = ("targets_org", "targets_head", "targets_team", "targets_members", "is_leftover", "is_on")
    data = {"scheme": Scheme.objects.get(is_active=True).pk}
    data |= {name: getattr(rule, name) for name in texts} | {name: "on" for name in flags if getattr(rule, name)}
    data |= {f"{name}_0": "" for name in ("valid_from", "valid_to")} | {"valid_from": "", "valid_to": ""}
    if rule.assists_local_committee:
        data["assists_local_committee"] = "on"
    stored = list(rule.selectors.all()) if rule.pk else []
    rows = [
        {"id": row.pk, "rule": rule.pk, "side": row.side, "category": row.category_id or "", "org_type": row.org_type}
        for row in stored
    ]
    for number, row in enumerate([*rows, *(selectors or [])]):
        data |= {f"selectors-{number}-{name}": value for name, value in row.items()}
    total = len(rows) + len(selectors or [])
    data |= {"selectors-TOTAL_FORMS": total, "selectors-INITIAL_FORMS": len(rows)}
    data |= changes
    return {name: value for name, value in data.items() if value is not None}


def rule_of(code):
    return Rule.objects.get(scheme__is_active=True, code=code)


def refusal(answer):
    """Everything that the form and its rows say."""
    assert answer.status_code == 200
    found = answer.context["adminform"].form
    said = [str(message) for messages in found.errors.values() for message in messages]
    for inline in answer.context["inline_admin_formsets"]:
        said += [str(message) for message in inline.formset.non_form_errors()]
        said += [str(message) for form in inline.formset for part in form.errors.values() for message in part]
    return "；".join(said)


@pytest.mark.parametrize("model", ["rule", "checklistpoint", "period", "duty"])
def test_the_administrator_lists_searches_and_opens(cast, admin, model):
    duties.regenerate(duties.ensure_period("2010H2"))
    rows = {"rule": Rule, "checklistpoint": ChecklistPoint, "period": Period, "duty": Duty}[model].objects
    assert admin.get(page(f"{model}_changelist"), {"q": "2"}).status_code == 200
    opened = admin.get(page(f"{model}_change", rows.first().pk))
    assert opened.status_code == 200
    assert ("_save" in opened.content.decode()) == (model in ("rule", "checklistpoint"))


@pytest.mark.parametrize("model", ["period", "duty"])
def test_half_years_and_duties_are_neither_added_nor_changed_nor_deleted(cast, admin, model):
    duties.regenerate(duties.ensure_period("2010H2"))
    row = {"period": Period, "duty": Duty}[model].objects.first()
    assert admin.get(page(f"{model}_add")).status_code == 403
    assert admin.post(page(f"{model}_change", row.pk), {}).status_code == 403
    assert admin.post(page(f"{model}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", ["rule", "checklistpoint"])
def test_rules_and_points_are_switched_off_never_deleted(cast, admin, model):
    row = {"rule": Rule, "checklistpoint": ChecklistPoint}[model].objects.first()
    assert admin.post(page(f"{model}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


def test_the_list_of_duties_asks_the_same_however_many(cast, admin, django_assert_max_num_queries):
    duties.regenerate(duties.ensure_period("2010H2"))
    assert Duty.objects.count() > 20
    with django_assert_max_num_queries(14):
        admin.get(page("duty_changelist"))


@pytest.mark.parametrize("part", ["clerk", "root_head", "member"])
def test_nobody_else_gets_in(cast, as_user, part):
    for model in ("rule", "duty"):
        assert as_user(cast.user[part]).get(page(f"{model}_changelist")).status_code == 302


# --- rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["1A", "1B", "2A", "2B", "2C", "3A", "3B", "4", "5A", "5B", "0"])
def test_every_shipped_rule_is_saved_as_it_is(cast, admin, code):
    rule = rule_of(code)
    sides = list(rule.selectors.values_list("side", "category", "org_type"))
    answer = admin.post(page("rule_change", rule.pk), as_posted(rule))
    assert answer.status_code == 302, refusal(answer)
    assert list(rule.selectors.values_list("side", "category", "org_type")) == sides
    fresh = rule_of(code)
    assert all(getattr(fresh, field.attname) == getattr(rule, field.attname) for field in Rule._meta.fields)


def test_a_rule_switched_off_leaves_the_duties_until_they_are_generated_again(cast, admin):
    period = duties.ensure_period("2010H2")
    duties.regenerate(period)
    before = Duty.objects.filter(rule_code="4").count()
    assert before
    answer = admin.post(page("rule_change", rule_of("4").pk), as_posted(rule_of("4"), is_on=None), follow=True)
    assert "重新生成" in answer.content.decode()
    assert Duty.objects.filter(rule_code="4").count() == before
    assert duties.preview(period).counts["4"].withdrawn == before
    event = AuditEvent.objects.get(model="reviews.rule", verb="修改点评规则")
    assert (event.before, event.after, event.by) == ({"is_on": True}, {"is_on": False}, cast.user["admin"])


def test_a_new_row_of_the_range_is_kept_with_an_event(cast, admin):
    rule = rule_of("3A")
    new = {"side": "reviewer", "category": builders.category("直属挂靠单位").pk, "org_type": "branch", "rule": rule.pk}
    assert admin.post(page("rule_change", rule.pk), as_posted(rule, [new])).status_code == 302
    assert RuleSelector.objects.filter(rule=rule, org_type="branch").count() == 1
    event = AuditEvent.objects.get(verb="修改规则范围")
    assert len(event.after["selectors"]) == len(event.before["selectors"]) + 1


def test_the_code_of_a_stored_rule_stays(cast, admin):
    rule = rule_of("4")
    admin.post(page("rule_change", rule.pk), as_posted(rule, code="99"))
    assert rule_of("4").pk == rule.pk


def test_a_new_rule_can_be_written(cast, admin):
    sample = Rule(code="6", order=20, clause="补充", text="补充条款", reviewer_kind="org", reach="child",
                  targets_org=True, basis="affiliation", cadence="half_year")  # fmt: skip
    answer = admin.post(page("rule_add"), as_posted(sample))
    assert answer.status_code == 302, refusal(answer)
    assert rule_of("6").clause == "补充"
    assert AuditEvent.objects.filter(verb="新增点评规则", by=cast.user["admin"]).exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"code": "x"}, "人工指派"),
        ({"targets_org": None}, "至少选一种点评对象"),
        ({"targets_members": "on"}, "请分成两条"),
        ({"reach": "own"}, "不能是“本组织”"),
        ({"targets_org": None, "targets_team": "on"}, "应为“本组织”"),
        ({"targets_org": None, "targets_team": "on", "reach": "own", "joint": "each"}, "可以是共同点评"),
        ({"joint": "each"}, "共同点评主体"),
        ({"valid_from": "2011-01-01", "valid_to": "2010-12-31"}, "早于生效日期"),
        ({"reach": "anything"}, "anything"),
        ({"code": "4"}, "已经存在"),
    ],
)
def test_a_rule_that_nobody_could_follow_is_refused(cast, admin, changes, says):
    sample = Rule(code="6", order=20, clause="补充", text="补充条款", reviewer_kind="org", reach="child",
                  targets_org=True, basis="affiliation", cadence="half_year")  # fmt: skip
    before = Rule.objects.count()
    answer = admin.post(page("rule_add"), as_posted(sample, **changes))
    assert says in refusal(answer)
    assert Rule.objects.count() == before


def test_a_joint_rule_does_not_lose_its_partner(cast, admin):
    rule = rule_of("1B")
    rows = list(rule.selectors.all())
    number = next(place for place, row in enumerate(rows) if row.side == "co_reviewer")
    answer = admin.post(page("rule_change", rule.pk), as_posted(rule, **{f"selectors-{number}-DELETE": "on"}))
    assert "共同点评主体" in refusal(answer)
    assert rule.selectors.count() == len(rows)


def test_a_rule_with_a_last_day_ends_on_it(cast, admin):
    rule = rule_of("4")
    answer = admin.post(page("rule_change", rule.pk), as_posted(rule, valid_to="2010-12-01"))
    assert answer.status_code == 302, refusal(answer)
    assert rule_of("4").valid_to == datetime.date(2010, 12, 1)


# --- checklist --------------------------------------------------------------------------------------------------------


def test_a_point_is_changed_with_an_event(cast, admin):
    point = ChecklistPoint.objects.filter(kind="member").first()
    data = {
        "scheme": point.scheme_id,
        "kind": point.kind,
        "order": point.order,
        "text": "新的要点",
        "clause": point.clause,
    }
    assert admin.post(page("checklistpoint_change", point.pk), data).status_code == 302
    point.refresh_from_db()
    assert (point.text, point.is_on) == ("新的要点", False)
    event = AuditEvent.objects.get(model="reviews.checklistpoint")
    assert event.after["text"] == "新的要点"
    assert event.by == cast.user["admin"]
