"""Every search finds Chinese names by their pinyin and initials, as they are typed on a phone without an input method."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import reverse

from orgs.models import Post
from reviews import coverage
from tests.builders import day
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

MEMBER, BRANCH = "检务处党员", "天津局检务处党支部"


@pytest.fixture
def cases(cast):
    made = make_cases(cast)
    made.of_branch()
    made.confirmed()
    with transaction.atomic():
        coverage.sync(made.period, day("2010-12-10"))
    return made


@pytest.mark.parametrize(
    ("page", "args", "who", "typed", "name"),
    [
        ("my_duties", [], "secretary", {"show": "done"}, MEMBER),
        ("my_duties", [], "member_in_charge", {}, BRANCH),
        ("office_duties", [], "clerk", {}, MEMBER),
        ("record_new", [], "secretary", {"post": "secretary"}, MEMBER),
        ("duty_assign", [], "clerk", {"post": "bureau_head"}, BRANCH),
        ("work_plans_missing", [], "clerk", {}, BRANCH),
        ("records", [], "secretary", {}, MEMBER),
        ("rectifications", [], "secretary", {}, MEMBER),
        ("coverage_missing", ["13", "organizations"], "clerk", {}, BRANCH),
    ],
)
def test_it_is_found(cases, cast, as_user, page, args, who, typed, name):
    if "post" in typed:
        typed = {"post": Post.objects.get(person=cast.person[typed["post"]]).pk}
    readings = {MEMBER: ("jwcdy", "jianwuchu", "检务"), BRANCH: ("tjjjwc", "tianjinjujianwu", "1311", "检务处")}[name]

    def told(words):
        answer = as_user(cast.user[who]).get(reverse(page, args=args), {"q": words, **typed})
        assert answer.status_code == 200
        return answer.text.count(name)

    others = told("zzzz")  # where the page says the name anyway, among the leaders to choose
    assert not [words for words in readings if told(words) <= others]
    assert others == 0 or page == "duty_assign"
