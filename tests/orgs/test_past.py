"""The tree as of any day: places, names and rosters of the day, never what is not the user's to see."""

from __future__ import annotations

import datetime
import random
from io import BytesIO

import openpyxl
import pytest
from django.urls import reverse

from orgs import clock, history, past, people, reorganizing, tree
from orgs.errors import DomainError
from orgs.models import Organization, OrganizationPast
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

SEPTEMBER, OCTOBER, NOVEMBER = (builders.day(f"2010-{month}-01") for month in ("09", "10", "11"))
BEFORE = datetime.timedelta(days=1)
WHY = {"reason": "机构改革", "by": None}


def org(code: str) -> Organization:
    return Organization.objects.get(code=code)


def codes_under(code: str | None, on: datetime.date) -> set[str]:
    parents = None if code is None else [org(code).pk]
    return set(past.under(Organization.objects.all(), parents, on).values_list("code", flat=True))


def text(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


# --- what is kept ------------------------------------------------------------------------------------------------


def test_a_rename_and_a_move_leave_what_was_before(cast):
    reorganizing.rename(org("132"), name="滨海局党组", on=OCTOBER, **WHY)
    reorganizing.move(org("132"), under=org("12"), relation="guidance", on=NOVEMBER, **WHY)
    then = past.one_as_of(org("132"), OCTOBER - BEFORE)
    assert (then.name, then.parent.code, then.relation) == ("塘沽检验检疫局党组", "13", "affiliation")
    then = past.one_as_of(org("132"), NOVEMBER - BEFORE)
    assert (then.name, then.parent.code) == ("滨海局党组", "13")
    now = past.one_as_of(org("132"), NOVEMBER)
    assert (now.name, now.parent.code, now.relation) == ("滨海局党组", "12", "guidance")
    assert [upper.code for upper in past.above(org("1321"), NOVEMBER - BEFORE)] == ["1", "13", "132"]
    assert [upper.code for upper in past.above(org("1321"), NOVEMBER)] == ["1", "12", "132"]


def test_children_are_those_of_the_day(cast):
    reorganizing.move(org("132"), under=org("12"), on=OCTOBER, **WHY)
    reorganizing.merge(org("1321"), into=org("121"), on=NOVEMBER, **WHY)
    assert codes_under("13", OCTOBER - BEFORE) == {"131", "132"}
    assert codes_under("13", OCTOBER) == {"131"}
    assert codes_under("12", OCTOBER) == {"121", "132"}
    assert codes_under("132", NOVEMBER - BEFORE) == {"1321"}
    assert codes_under("132", NOVEMBER) == set()
    assert codes_under(None, SEPTEMBER) == {"1"}
    counts = past.count_under(Organization.objects.all(), [org("12").pk, org("13").pk], OCTOBER - BEFORE)
    assert counts == {org("12").pk: 1, org("13").pk: 2}


def test_two_changes_on_one_day_keep_what_was_before_the_first(cast):
    for name in ("甲", "乙"):
        reorganizing.rename(org("132"), name=name, on=OCTOBER, **WHY)
    assert OrganizationPast.objects.filter(organization=org("132")).count() == 1
    assert past.one_as_of(org("132"), OCTOBER - BEFORE).name == "塘沽检验检疫局党组"
    assert past.one_as_of(org("132"), OCTOBER).name == "乙"


def test_what_is_not_remembered_leaves_no_row(cast):
    tree.update(org("132"), {"is_window_unit": True, "order": 7}, by=None)
    assert not OrganizationPast.objects.exists()


def test_a_change_without_a_day_is_todays(cast):
    tree.update(org("132"), {"name": "改"}, by=None)
    assert OrganizationPast.objects.get().until == clock.today()


def test_history_is_written_forward_only(cast):
    reorganizing.rename(org("132"), name="甲", on=NOVEMBER, **WHY)
    for call in (
        lambda: reorganizing.rename(org("132"), name="乙", on=OCTOBER, **WHY),
        lambda: reorganizing.move(org("132"), under=org("12"), on=OCTOBER, **WHY),
        lambda: reorganizing.merge(org("13"), into=org("12"), on=OCTOBER, **WHY),  # takes 132 along
    ):
        with pytest.raises(DomainError, match="“甲”在 2010-11-01 已经有过变更"):
            call()
    assert (org("132").name, org("132").parent.code) == ("甲", "13")


@pytest.mark.parametrize("seed", range(3))
def test_every_day_is_as_it_was_seen_on_that_day(cast, settings, seed):
    """Written down each day after changes at random; looked up at the end, day by day."""
    dice = random.Random(seed)
    seen: dict[datetime.date, dict[str, tuple]] = {}

    def world(on: datetime.date) -> dict[str, tuple]:
        found = {}
        for parent in (None, *Organization.objects.order_by("pk")):
            under = past.under(Organization.objects.all(), None if parent is None else [parent.pk], on)
            for one in past.as_of(under, on):
                found[one.code] = (parent and parent.code, one.name, one.relation)
        return found

    day = builders.day("2010-10-01")
    for number in range(12):
        settings.TODAY = day.isoformat()
        one, other = (dice.choice(list(Organization.objects.order_by("pk"))) for _ in range(2))
        for call in (
            lambda: tree.update(one, {"name": f"名{number}"}, by=None),  # noqa: B023
            lambda: tree.move(one, under=other, relation=dice.choice(["guidance", "affiliation"]), by=None),  # noqa: B023
        ):
            try:
                call()
            except DomainError:
                continue
        seen[day] = world(day)
        day += datetime.timedelta(days=dice.choice([1, 3]))
    settings.TODAY = day.isoformat()
    for on, was in seen.items():
        assert world(on) == was


# --- rosters -----------------------------------------------------------------------------------------------------


def names(code: str, on: datetime.date) -> set[str]:
    return {row.person.name for part in past.memberships(org(code), on) for row in part.select_related("person")}


def test_a_roster_is_that_of_the_subtree_of_the_day(cast):
    before = names("13", SEPTEMBER)
    people.transfer(cast.person["member"], to=cast.org["121"], on=OCTOBER, by=None)
    reorganizing.move(org("132"), under=org("12"), on=NOVEMBER, **WHY)
    assert names("13", SEPTEMBER) == before
    assert names("13", OCTOBER) == before - {"检务处党员"}
    assert names("12", NOVEMBER) >= {"检务处党员", "塘沽党员"}
    assert "塘沽党员" not in names("13", NOVEMBER)


def roster(client, code: str, **query) -> list[tuple]:
    answer = client.get(reverse("organization_roster", args=[code]), query)
    assert answer.status_code == 200
    book = openpyxl.load_workbook(BytesIO(b"".join(answer.streaming_content)))
    return list(book.active.iter_rows(values_only=True))


def test_the_file_names_branches_and_posts_of_the_day(cast, as_user):
    post = cast.person["secretary"].posts.get()
    people.remove(post, on=OCTOBER, by=None)
    reorganizing.rename(org("1311"), name="检务一处党支部", on=OCTOBER, **WHY)
    client = as_user(cast.user["clerk"])
    then = {row[0]: row for row in roster(client, "13", on="2010-09-30")[1:]}
    now = {row[0]: row for row in roster(client, "13")[1:]}
    assert then["检务处支部书记"][2:6] == ("天津局检务处党支部", "1311", None, "天津局检务处党支部，党支部书记")
    assert now["检务处支部书记"][2:6] == ("检务一处党支部", "1311", None, None)
    assert then["天津局分管成员"][6] == "主管天津局检务处党支部"
    assert len(then) == 7


def test_a_roster_ends_where_the_user_sees_no_people(cast, as_user):
    assert {row[3] for row in roster(as_user(cast.user["root_clerk"]), "1")[1:]} == {"111", "121"}
    assert as_user(cast.user["member"]).get(reverse("organization_roster", args=["1311"])).status_code == 404


# --- pages -------------------------------------------------------------------------------------------------------


def test_the_tree_opens_level_by_level_for_its_day(cast, as_user):
    reorganizing.rename(org("132"), name="滨海局党组", on=OCTOBER, **WHY)
    reorganizing.move(org("132"), under=org("131"), on=NOVEMBER, **WHY)
    client = as_user(cast.user["clerk"])
    shown = text(client.get(reverse("organizations"), {"on": "2010-09-30"}))
    assert "按 2010年9月30日 显示" in shown
    assert "塘沽检验检疫局党组" in shown
    assert reverse("organization_children", args=["132"]) + "?on=2010-09-30" in shown
    level = client.get(reverse("organization_children", args=["13"]), {"on": "2010-10-15"}, HTTP_HX_REQUEST="true")
    assert "滨海局党组" in text(level)
    today = client.get(reverse("organization_children", args=["13"]), HTTP_HX_REQUEST="true")
    assert "滨海局党组" not in text(today)
    assert "按 " not in text(client.get(reverse("organizations")))


def test_what_left_the_users_range_stays_hidden_on_every_day(cast, as_user):
    reorganizing.move(org("132"), under=org("12"), on=OCTOBER, **WHY)
    client = as_user(cast.user["clerk"])
    shown = text(client.get(reverse("organization", args=["13"]), {"on": "2010-09-30"}))
    assert "塘沽检验检疫局党组" not in shown
    assert client.get(reverse("organization", args=["132"]), {"on": "2010-09-30"}).status_code == 404


def test_the_page_shows_the_name_and_the_superiors_of_the_day(cast, as_user):
    reorganizing.rename(org("132"), name="滨海局党组", on=OCTOBER, **WHY)
    reorganizing.move(org("132"), under=org("131"), on=NOVEMBER, **WHY)
    client = as_user(cast.user["clerk"])
    then = client.get(reverse("organization", args=["1321"]), {"on": "2010-09-30"})
    assert [upper.name for upper in then.context["above"]] == ["天津检验检疫局党组", "塘沽检验检疫局党组"]
    now = client.get(reverse("organization", args=["1321"]))
    assert [upper.code for upper in now.context["above"]] == ["13", "131", "132"]


# --- search and list ---------------------------------------------------------------------------------------------


def found(client, on: str, **asked) -> dict[str, str]:
    page = client.get(reverse("organizations"), {"on": on, **asked})
    assert page.status_code == 200
    return {row.org.code: row.org.name for row in page.context["rows"]}


def test_the_search_of_a_day_knows_the_names_of_that_day(cast, as_user):
    reorganizing.rename(org("132"), name="滨海检验检疫局党组", short_name="滨海局", on=OCTOBER, **WHY)
    client = as_user(cast.user["clerk"])
    for words in ("塘沽检验", "tanggujian", "tgjyjyj"):
        assert found(client, "2010-09-30", q=words) == {"132": "塘沽检验检疫局党组"}
        assert found(client, "2010-10-01", q=words) == {}
    for words in ("滨海", "binhai", "BHJ"):
        assert found(client, "2010-09-30", q=words) == {}
        assert found(client, "2010-10-01", q=words) == {"132": "滨海检验检疫局党组"}
    for on in ("2010-09-30", "2010-10-01"):
        assert set(found(client, on, q="132")) == {"132", "1321"}
        assert set(found(client, on, q="塘沽局综合")) == {"1321"}  # this one kept its name


def test_of_several_former_names_that_of_the_day_is_found(cast, as_user):
    for name, on in (("甲局党组", OCTOBER), ("乙局党组", NOVEMBER)):
        reorganizing.rename(org("132"), name=name, short_name="", on=on, **WHY)
    client = as_user(cast.user["clerk"])
    days = ("2010-09-30", "2010-10-31", "2010-11-30")
    for words, hits in (("塘沽检验", (1, 0, 0)), ("甲局", (0, 1, 0)), ("yiju", (0, 0, 1))):
        assert tuple(len(found(client, on, q=words)) for on in days) == hits


def test_the_list_of_a_day_has_what_was_then_and_its_links_keep_the_day(cast, as_user):
    reorganizing.rename(org("131"), name="天津局直属机关党委", on=OCTOBER, **WHY)
    reorganizing.move(org("132"), under=org("131"), on=OCTOBER, **WHY)
    reorganizing.merge(org("1321"), into=org("1311"), on=NOVEMBER, **WHY)
    tree.update(org("132"), {"org_type": "committee"}, by=None)
    client = as_user(cast.user["clerk"])
    address = reverse("organizations")
    page = client.get(address, {"view": "list", "on": "2010-09-30"})
    above = {row.org.code: [upper.name for upper in row.above] for row in page.context["rows"]}
    assert above["132"] == ["天津检验检疫局党组"]
    assert above["1311"] == ["天津检验检疫局党组", "天津局机关党委"]
    assert f"{reverse('organization', args=['132'])}?on=2010-09-30" in page.content.decode()
    assert "按 2010年9月30日 显示" in page.content.decode()
    assert "1321" in above
    assert "1321" not in found(client, "2010-11-30", view="list")
    assert "132" in found(client, "2010-09-30", type="group")
    assert "132" not in found(client, "2010-12-10", type="group")
    file = client.get(reverse("organizations_export"), {"view": "list", "on": "2010-09-30"})
    rows = list(openpyxl.load_workbook(BytesIO(b"".join(file.streaming_content))).active.iter_rows(values_only=True))
    assert ("天津局机关党委", "131") in {row[:2] for row in rows}


def test_the_search_of_a_day_ends_where_the_users_view_does(cast, as_user):
    reorganizing.rename(org("12"), name="广东局新党组", on=OCTOBER, **WHY)
    was = past.one_as_of(org("12"), SEPTEMBER).name
    assert found(as_user(cast.user["admin"]), "2010-09-30", q=was) == {"12": was}
    assert found(as_user(cast.user["clerk"]), "2010-09-30", q=was) == {}


@pytest.mark.parametrize("words", ["塘沽", "tg"])
def test_the_list_of_a_day_costs_the_same_however_many_were_renamed(
    cast, as_user, words, django_assert_max_num_queries
):
    for number in range(30):
        builders.make_org(f"132{number:03}", parent=cast.org["132"], name=f"塘沽局第{number}党支部")
    client = as_user(cast.user["clerk"])
    with django_assert_max_num_queries(26):
        assert len(found(client, "2010-09-30", q=words)) > 25
    for one in Organization.objects.filter(code__startswith="132"):
        reorganizing.rename(one, name=f"滨海{one.code}", on=OCTOBER, **WHY)
    with django_assert_max_num_queries(26):
        assert len(found(client, "2010-09-30", q=words)) > 25


# --- 沿革 ----------------------------------------------------------------------------------------------------------


def test_the_history_of_an_organisation_says_what_when_why_and_who(cast):
    clerk = cast.user["clerk"]
    why = {"reason": "发文8号", "by": clerk}
    reorganizing.rename(org("132"), name="滨海局党组", on=OCTOBER, **why)
    reorganizing.move(org("132"), under=org("131"), on=NOVEMBER, **why)
    steps = history.of_organization(org("132"), clerk, with_reasons=True)
    assert [(step.on, step.what, step.why, step.by) for step in steps] == [
        (NOVEMBER, "由“天津检验检疫局党组”转到“天津局机关党委”之下", "发文8号", clerk),
        (OCTOBER, "由“塘沽检验检疫局党组”改名为“滨海局党组”", "发文8号", clerk),
    ]
    untold = history.of_organization(org("132"), clerk, with_reasons=False)
    assert {(step.why, step.by) for step in untold} == {("", None)}


def test_a_merge_and_a_split_stand_in_the_history_of_both(cast):
    new = reorganizing.split(
        org("1311"), code="1319", name="检务二处党支部", members=[cast.person["member"]], on=OCTOBER, **WHY
    )
    reorganizing.merge(new, into=org("1321"), on=NOVEMBER, **WHY)
    admin = cast.user["admin"]
    of_new = [step.what for step in history.of_organization(org("1319"), admin, with_reasons=True)]
    assert of_new[0].endswith("起并入“塘沽局综合党支部”")
    assert "成立" in of_new
    assert any("起分设“检务二处党支部”" in what for what in of_new)
    for code, word in (("1311", "分设"), ("1321", "并入")):
        assert word in history.of_organization(org(code), admin, with_reasons=True)[0].what


def test_heads_in_turn(cast):
    people.remove(cast.person["secretary"].posts.get(), on=OCTOBER, by=None, reason="调离")
    people.appoint(cast.person["member"], org("1311"), "secretary", from_on=OCTOBER, by=None, reason="接任")
    steps = history.heads_of(org("1311"))
    assert [(step.what, step.on, step.to, step.why) for step in steps] == [
        ("检务处党员，党支部书记", OCTOBER, None, "接任"),
        ("检务处支部书记，党支部书记", None, OCTOBER, "调离"),
    ]


def test_a_persons_history_is_for_himself_and_who_edits_him(cast, as_user):
    member = cast.person["member"]
    people.transfer(member, to=cast.org["1321"], on=OCTOBER, by=cast.user["clerk"], reason="轮岗")
    people.appoint(member, org("1321"), "member", from_on=NOVEMBER, by=cast.user["clerk"], reason="增补")
    steps = history.of_person(member)
    assert [(step.what, step.why) for step in steps] == [
        ("塘沽局综合党支部，党支部委员", "增补"),
        ("组织关系在“塘沽局综合党支部”", "轮岗"),
        ("组织关系在“天津局检务处党支部”", ""),
    ]
    assert "轮岗" in text(as_user(cast.user["member"]).get(reverse("person", args=["N-member"])))
    assert "轮岗" not in text(as_user(cast.user["bureau_head"]).get(reverse("person", args=["N-member"])))
