"""What administrators and secretaries enter is shown with what follows from it, and is done with it: never one alone."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.urls import reverse

from orgs.models import Charge, Membership, Organization, Person, Post
from reports import coverage
from reviews import duties
from reviews.models import CoverageTarget, Duty, Measure
from tests import builders
from tests.orgs.test_admin_orgs import form_of, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def period(cast):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made)
    return made


@pytest.fixture
def client(period, cast, as_user):
    return as_user(cast.user["admin"])


def derived(period) -> list:
    return [
        sorted(Duty.objects.filter(period=period).values_list("rule_code", "reviewer_org", "target_org", "target_person", "acting"), key=repr),
        sorted(CoverageTarget.objects.filter(period=period).values_list("measure", "organization", "person"), key=repr),
    ]  # fmt: skip


def hidden(page) -> dict[str, list[str]]:
    """What the page would send with its button."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.content.decode()):
        if name != "csrfmiddlewaretoken":
            found.setdefault(unescape(name), []).append(unescape(value))
    return found


def saved(client, period, address: str, **changes) -> list[str]:
    """Save in the admin: it asks first, writes nothing, and does it when it was confirmed. Returns what it told."""
    was = (
        derived(period),
        list(Organization.objects.values()),
        list(Person.objects.values()),
        list(Post.objects.values()),
    )
    page = client.post(address, form_of(client, address) | changes)
    assert page.status_code == 200
    assert (
        derived(period), list(Organization.objects.values()), list(Person.objects.values()), list(Post.objects.values())
    ) == was  # fmt: skip
    told = page.context["consequences"]
    assert client.post(address, hidden(page)).status_code == 302
    follows_exactly(period)
    return told


def follows_exactly(period) -> None:
    """A whole generation has nothing to add."""
    followed = derived(period)
    duties.regenerate(period)
    assert derived(period) == followed
    assert coverage.prove() == []


def test_a_move_in_the_admin_is_asked_about_and_followed(client, period, cast):
    told = saved(client, period, url("organization", "change", cast.org["132"].pk), parent=str(cast.org["12"].pk))
    assert any("改计入“信息中心党委”" in line for line in told)
    assert Organization.objects.get(code="132").parent.code == "12"


def test_a_new_organisation_gets_its_reviewer_at_once(client, period, cast):
    told = saved(
        client, period, url("organization", "add"), code="1312", name="新支部", org_type="branch",
        category=str(builders.category("机关内设机构").pk), parent=str(cast.org["131"].pk), relation="affiliation", order="0",
    )  # fmt: skip
    assert any("新增" in line for line in told)
    assert Duty.objects.filter(target_org__code="1312").exists()


def test_a_person_who_is_expelled_in_the_admin_is_due_no_more(client, period, cast):
    member = cast.person["member"]
    assert Duty.objects.filter(target_person=member).exists()
    told = saved(client, period, url("person", "change", member.pk), status="expelled")
    assert any("撤回" in line for line in told)
    assert any("应点评党员减少 1 名" in line for line in told)
    assert not Duty.objects.filter(target_person=member).exists()


def test_a_transfer_in_the_admin_takes_the_task_along(client, period, cast):
    told = saved(client, period, url("person", "change", cast.person["member"].pk), branch_now=str(cast.org["1321"].pk))
    assert told
    assert Membership.objects.get(person=cast.person["member"], to_on=None).branch.code == "1321"
    assert Duty.objects.get(target_person=cast.person["member"], rule_code="4").reviewer_org.code == "1321"


def test_a_person_added_in_the_admin_is_due_at_once(client, period, cast):
    told = saved(
        client, period, url("person", "add"), number="N-new", name="新党员", kind="full", status="normal",
        branch_now=str(cast.org["1311"].pk),
    )  # fmt: skip
    assert any("应点评党员增加 1 名" in line for line in told)
    assert CoverageTarget.objects.filter(period=period, measure=Measure.MEMBERS, person__number="N-new").exists()


def test_an_end_of_a_post_in_the_admin_leaves_its_tasks_to_nobody(client, period, cast):
    post = cast.person["secretary"].posts.get()
    told = saved(client, period, url("post", "change", post.pk), to_on="2010-12-01")
    assert any("没有点评人" in line for line in told)


def test_a_division_of_work_in_the_admin_is_followed(client, period, cast):
    charge = Charge.objects.get(team=cast.org["13"])
    told = saved(client, period, url("charge", "change", charge.pk), to_on="2010-12-01")
    assert told


def test_what_concerns_no_duty_is_saved_at_once(client, cast):
    for address, changes in (
        (url("organization", "change", cast.org["132"].pk), {"name": "滨海局党组", "order": "3"}),
        (url("person", "change", cast.person["member"].pk), {"title": "科长", "mobile": "13800138000"}),
    ):
        assert client.post(address, form_of(client, address) | changes).status_code == 302
    assert Organization.objects.get(code="132").name == "滨海局党组"
    assert Person.objects.get(number="N-member").title == "科长"


def test_what_came_up_meanwhile_is_shown_and_asked_about_again(client, period, cast):
    address = url("person", "change", cast.person["member"].pk)
    page = client.post(address, form_of(client, address) | {"status": "expelled"})
    page = client.post(address, hidden(page) | {"seen": ["别的影响"]})
    assert "情况有了变化" in page.content.decode()
    assert Person.objects.get(number="N-member").status == "normal"


def test_a_refusal_of_a_verb_comes_before_the_question(client, period, cast):
    address = url("organization", "change", cast.org["13"].pk)
    page = client.post(address, form_of(client, address) | {"parent": str(cast.org["131"].pk)}, follow=True)
    assert "循环" in page.content.decode()


# --- pages -------------------------------------------------------------------------------------------------------


NEW = {"number": "N-fresh", "name": "新同志", "kind": "full", "on": "2010-07-01"}


def test_a_new_member_is_shown_with_what_follows_and_joins_with_it(period, cast, as_user):
    client, address = as_user(cast.user["secretary"]), reverse("member_add", args=["1311"])
    page = client.post(address, NEW)
    told = page.context["consequences"]
    assert "新同志（N-fresh）自 2010-07-01 起属于“天津局检务处党支部”。" in told
    assert any("应点评党员增加 1 名" in line for line in told)
    assert "新同志" in page.content.decode()
    assert "-----" not in page.content.decode()  # what was left out is not listed
    assert not Person.objects.filter(number="N-fresh").exists()
    assert client.post(address, NEW | {"seen": page.context["seen"]}).status_code == 302
    assert Duty.objects.filter(target_person__number="N-fresh").exists()
    follows_exactly(period)


def test_a_corrected_status_is_shown_with_what_follows(period, cast, as_user):
    member = cast.person["member"]
    client, address = as_user(cast.user["secretary"]), reverse("person_edit", args=[member.number])
    data = {"name": member.name, "title": member.title, "kind": member.kind, "status": "suspended"}
    page = client.post(address, data)
    assert any("撤回" in line for line in page.context["consequences"])
    assert Person.objects.get(pk=member.pk).status == "normal"
    assert client.post(address, data | {"seen": page.context["seen"]}).status_code == 302
    assert not Duty.objects.filter(target_person=member).exists()
    follows_exactly(period)
    page = client.post(address, data | {"title": "科员"})
    assert page.status_code == 302
