"""Who sees that a review took place, who reads its text, who goes on with its draft (T20, design.md decision 9)."""

import pytest

from orgs import people
from reviews import record_scope, records
from reviews.models import Record, RectificationItem
from tests import builders
from tests.builders import day
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def cases(cast):
    return make_cases(cast)


def who(cast, queryset):
    """The parts for which the queryset method gives anything."""
    return {part for part, user in cast.user.items() if queryset(user).exists()}


def seeing(cast):
    return who(cast, Record.objects.visible_to)


def reading(cast):
    return who(cast, Record.objects.readable_text_by)


def editing(cast):
    return who(cast, Record.objects.editable_by)


# member: secretary reviews member of 1311, below 131, below 13 (whose office is clerk), guided by 1.
MEMBER_READERS = {"secretary", "member", "clerk", "admin"}


def test_a_members_text_is_for_few_eyes(cases, cast):
    cases.confirmed()
    assert reading(cast) == MEMBER_READERS


def test_that_it_took_place_is_known_above_within_the_domain(cases, cast):
    cases.confirmed()
    # The bureau's head, and the member in charge, see that he was reviewed; the system's office sees sums only.
    assert seeing(cast) == MEMBER_READERS | {"bureau_head", "member_in_charge"}


def test_a_draft_is_theirs_who_write_it(cases, cast):
    record = cases.member_record()
    writers = {"secretary", "clerk", "admin"}
    assert seeing(cast) == reading(cast) == editing(cast) == writers
    records.confirm(record, by=cast.user["clerk"])
    assert seeing(cast) == reading(cast) == writers
    assert editing(cast) == set()


def test_a_confirmed_record_is_edited_by_nobody(cases, cast):
    cases.confirmed()
    assert editing(cast) == set()


def test_an_organisations_record_is_for_its_team_and_those_above(cases, cast):
    cases.confirmed_branch()
    expected = {"member_in_charge", "secretary", "bureau_head", "clerk", "admin"}
    assert seeing(cast) == reading(cast) == expected


def test_across_the_guidance_edge_the_reviewers_office_reads_its_own_reviews(cases, cast):
    records.confirm(cases.saved(cases.of_bureau(), "root_head"), by=cast.user["root_head"])
    # The bureau's own team and office, and the reviewing organisation's head and office.
    expected = {"root_head", "root_clerk", "bureau_head", "member_in_charge", "clerk", "admin"}
    assert seeing(cast) == reading(cast) == expected


def test_across_the_guidance_edge_the_lower_units_own_reviews_stay_below(cases, cast):
    duty = cases.duty("2A", "13", "bureau_head", person="lower_head", about="132", subject="head")
    records.confirm(cases.saved(duty, "bureau_head"), by=cast.user["bureau_head"])
    assert reading(cast) == {"bureau_head", "lower_head", "clerk", "admin"}
    assert "root_clerk" not in seeing(cast)
    assert "root_head" not in seeing(cast)


def test_the_reviewing_organisations_head_knows_but_does_not_read_a_persons_text(cases, cast):
    duty = cases.duty("2B", "13", "member_in_charge", person="secretary", about="1311", subject="head")
    records.confirm(cases.saved(duty, "member_in_charge"), by=cast.user["member_in_charge"])
    assert reading(cast) == {"member_in_charge", "secretary", "clerk", "admin"}
    assert "bureau_head" in seeing(cast)


def test_a_new_secretary_reads_his_members_reviews_but_not_his_predecessors(cases, cast):
    records.confirm(cases.member_record(), by=cast.user["secretary"])
    duty = cases.duty("2B", "13", "member_in_charge", person="secretary", about="1311", subject="head")
    of_head = records.confirm(cases.saved(duty, "member_in_charge"), by=cast.user["member_in_charge"])
    people.remove(cast.person["secretary"].posts.get(), on=day("2010-12-09"), by=None)
    successor = builders.make_person("新书记", cast.org["1311"])
    builders.make_post(successor, cast.org["1311"], from_on=day("2010-12-09"))
    user = builders.make_user(successor)
    assert [record.kind for record in Record.objects.readable_text_by(user)] == ["member"]
    assert set(Record.objects.visible_to(user)) == set(Record.objects.all())
    assert of_head not in Record.objects.readable_text_by(user)


def test_a_transferred_member_takes_his_review_along_and_his_new_branch_does_not_read_it(cases, cast):
    cases.confirmed()
    people.transfer(cast.person["member"], to=cast.org["1321"], on=day("2010-12-09"), by=None)
    assert Record.objects.readable_text_by(cast.user["member"]).exists()
    assert not Record.objects.readable_text_by(cast.user["lower_secretary"]).exists()


def test_joint_reviewers_and_their_offices_read(cases, cast):
    organ_clerk = cast.user["organ_clerk"] = builders.make_user(username="organ_clerk", office=cast.org["11"])
    first = cases.duty("1B", "1", "root_head", person="unit_head", about="12", subject="head", joint_group="1B:12")
    partner = cases.duty("1B", "11", "organ_head", person="unit_head", about="12", subject="head", joint_group="1B:12")
    record = cases.saved(first, "root_head", duty_ids=(partner.pk,))
    assert editing(cast) == {"root_head", "organ_head", "organ_clerk", "root_clerk", "admin"}
    records.confirm(record, by=cast.user["root_head"])
    assert reading(cast) == {"root_head", "organ_head", "organ_clerk", "root_clerk", "unit_head", "admin"}
    assert Record.objects.readable_text_by(organ_clerk).count() == 1


def test_several_joint_reviewers_do_not_double_the_rows(cases, cast):
    record = cases.confirmed_branch()
    record.review.co_reviewers.set([cast.person[part] for part in ("bureau_head", "secretary", "unit_head")])
    for part in ("bureau_head", "secretary", "unit_head", "clerk"):
        assert Record.objects.visible_to(cast.user[part]).count() == 1


def test_a_stranger_and_an_inactive_account_see_nothing(cases, cast):
    cases.confirmed()
    cases.confirmed_branch()
    assert "stranger" not in seeing(cast) | reading(cast) | editing(cast)
    admin = cast.user["admin"]
    admin.is_active = False
    admin.save()
    admin = type(admin).objects.get(pk=admin.pk)
    assert not Record.objects.visible_to(admin).exists()
    assert not Record.objects.readable_text_by(admin).exists()


def test_items_are_seen_where_the_text_is_read(cases, cast):
    record = cases.member_record()
    assert who(cast, RectificationItem.objects.visible_to) == set()
    records.confirm(record, by=cast.user["secretary"])
    assert who(cast, RectificationItem.objects.visible_to) == MEMBER_READERS


def test_standing_tells_the_parts_apart(cases, cast):
    record = cases.confirmed_branch()
    standing = {part: record_scope.standing(record, cast.user[part]) for part in cast.user}
    assert {part for part, at in standing.items() if at.is_reviewer} == {"member_in_charge"}
    assert {part for part, at in standing.items() if at.is_office} == {"clerk", "admin"}
    assert {part for part, at in standing.items() if at.may_accept} == {
        "member_in_charge", "bureau_head", "clerk", "admin",
    }  # fmt: skip
    assert {part for part, at in standing.items() if at.may_answer} == {"secretary", "clerk", "admin"}
    assert {part for part, at in standing.items() if at.may_write} == {"member_in_charge", "clerk", "admin"}


def test_lists_cost_one_query_however_many_seats(cases, cast, django_assert_num_queries):
    cases.confirmed()
    cases.confirmed_branch()
    user = cast.user["secretary"]
    len(Record.objects.visible_to(user))
    with django_assert_num_queries(1):
        assert len(Record.objects.visible_to(user)) == 2
    with django_assert_num_queries(1):
        assert len(RectificationItem.objects.visible_to(user)) == 4
