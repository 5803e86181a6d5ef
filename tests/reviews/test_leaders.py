"""Choosing a leader: all of them where they are few, found by what is typed where they are many; nobody is out of reach."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from reviews import leaders
from reviews.models import Assignment, Draw, Duty
from tests.builders import make_org, make_person, make_post
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

TYPED = {"occasion": "三季度抽查", "size": "2", "due_on": "2010-12-20", "quotas": "分支机构 1", "under": "132"}


@pytest.fixture
def cases(cast):
    return make_cases(cast)


@pytest.fixture
def many(monkeypatch):
    """Six posts are many."""
    monkeypatch.setattr(leaders, "LISTED", 3)


def post_of(cases, part: str, code: str):
    return cases.cast.person[part].posts.get(organization=cases.cast.org[code])


def options(page: str) -> list[tuple[str, bool]]:
    """Of the list of leaders: each value, and whether it is chosen."""
    select = re.search(r'<select name="post".*?</select>', page, re.DOTALL)
    assert select is not None
    return [(value, bool(chosen)) for value, chosen in re.findall(r'<option value="(\d*)"( selected)?', select[0])]


def chosen(page: str) -> list[str]:
    return [value for value, is_chosen in options(page) if is_chosen]


def pages_of(cases, browser, **facts) -> dict[str, str]:
    """The three pages where a leader is chosen, after searching with what was typed."""
    duty = Duty.objects.filter(rule_code="2B").first() or cases.of_branch()
    asked = facts | {"find": "1"}
    return {
        "assign": browser.get(reverse("duty_assign"), asked).content.decode(),
        "bulk": browser.post(reverse("duties_bulk"), {"duty": [duty.pk], "do": "reassign"} | asked).content.decode(),
        "draw": browser.post(reverse("draw_new"), asked).content.decode(),
    }


def test_a_few_are_simply_listed(cases, as_user):
    for name, page in pages_of(cases, as_user(cases.cast.user["clerk"])).items():
        assert 'name="leader"' not in page.replace('type="hidden" name="leader"', ""), name
        assert len([value for value, _ in options(page) if value]) == 6, name
        assert "还有" not in page, name


@pytest.mark.usefixtures("many")
def test_of_many_the_first_are_listed_and_the_others_are_told_of(cases, as_user):
    for name, page in pages_of(cases, as_user(cases.cast.user["clerk"])).items():
        assert 'name="leader"' in page, name
        assert "还有 3 位（按任职计）没有列出，请输入姓名查找。" in page, name
        assert len(options(page)) == 4, name  # and 请选择: the first of many is nobody's choice
        assert chosen(page) in ([], [""]), name


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("塘沽局书记", ["132"]),
        ("tanggujushuji", ["132"]),
        ("Tang gu ju shu", ["132"]),
        ("tgjsj", ["132"]),
        ("N-lower", ["132", "1321"]),
        ("n-LOWER_head", []),  # letters of both sizes: neither as stored, nor all small, nor all capital
        ("塘沽", ["132", "1321"]),  # of the organisation
        ("1321", ["1321"]),
        ("tanggujuzonghe", ["1321"]),
        ("总局书记", []),  # not of this office
        ("12", []),
        ("%", []),
        ("'\"<script>", []),
    ],
)
def test_a_leader_is_found_by_name_pinyin_number_and_organisation(cases, words, found):
    posts = leaders.search(leaders.of(cases.cast.user["clerk"]), words)
    assert sorted(post.organization.code for post in posts) == found


def test_whose_very_name_it_is_comes_first(cases):
    namesake = make_person("塘沽", cases.cast.org["1321"])
    make_post(namesake, cases.cast.org["1321"], "委员")
    assert leaders.search(leaders.of(cases.cast.user["clerk"]), "塘沽")[0].person == namesake


@pytest.mark.usefixtures("many")
def test_a_search_keeps_who_was_chosen_and_what_was_typed_and_writes_nothing(cases, as_user):
    browser, head = as_user(cases.cast.user["clerk"]), post_of(cases, "bureau_head", "13")
    facts = {"post": head.pk, "leader": "塘沽", "reason": "调任", "q": "检务处"} | TYPED
    pages = pages_of(cases, browser, **facts)
    lower = {str(post_of(cases, "lower_head", "132").pk), str(post_of(cases, "lower_secretary", "1321").pk)}
    for name, page in pages.items():
        assert chosen(page) == [str(head.pk)], name
        assert lower <= {value for value, _ in options(page)}, name
        assert 'value="塘沽"' in page, name
        assert "找到 2 位（按任职计）。" in page, name
        assert "没有列出" not in page, name
        assert "field-error" not in page, name
        assert "is-invalid" not in page, name
    assert 'value="检务处"' in pages["assign"]
    assert 'value="调任"' in pages["bulk"]
    assert all(f'value="{typed}"' in pages["draw"] for name, typed in TYPED.items() if name != "quotas")
    assert "分支机构 1</textarea>" in pages["draw"]
    assert "checked" not in pages["draw"]  # unticked stays so
    ticked = browser.post(reverse("draw_new"), facts | {"find": "1", "by_category": "on"}).content.decode()
    assert re.findall(r'name="(\w+)"[^>]*checked', ticked) == ["by_category"]
    assert (Duty.objects.count(), Draw.objects.count()) == (1, 0)


@pytest.mark.usefixtures("many")
def test_the_only_one_found_is_chosen_and_nobody_found_is_said(cases, as_user):
    browser, secretary = as_user(cases.cast.user["clerk"]), post_of(cases, "lower_secretary", "1321")
    for name, page in pages_of(cases, browser, leader="tangguzhibu").items():
        values = [value for value, _ in options(page)]
        assert values == (["", str(secretary.pk)] if name == "bulk" else [str(secretary.pk)]), name
    for name, page in pages_of(cases, browser, leader="查无此人").items():
        assert "没有找到“查无此人”" in page, name


@pytest.mark.usefixtures("many")
def test_one_beyond_the_list_is_accepted_everywhere(cases, as_user):
    cast, browser = cases.cast, as_user(cases.cast.user["clerk"])
    head = post_of(cases, "lower_head", "132")
    asked = {"post": head.pk, "period": "2010H2", "due_on": "2010-12-20"}
    page = browser.get(reverse("duty_assign"), {"post": head.pk, "q": "综合"}).content.decode()
    assert chosen(page) == [str(head.pk)]
    browser.post(reverse("duty_assign"), asked | {"target": "org-1321", "form": "on_site", "q": "综合"})
    made = Assignment.objects.get(form="on_site").duty
    assert (made.acting, made.reviewer_org, made.target_org) == (
        cast.person["lower_head"],
        cast.org["132"],
        cast.org["1321"],
    )

    make_post(cast.person["lower_head"], cast.org["13"], "成员")
    duty = cases.of_branch()
    facts = {"duty": [duty.pk], "do": "reassign", "reason": "调任", "post": head.pk}
    preview = browser.post(reverse("duties_bulk"), facts).content.decode()
    assert "确认转派 1 项" in preview
    assert f'name="post" value="{head.pk}"' in preview
    browser.post(reverse("duties_bulk"), facts | {"confirmed": "1"})
    assert Duty.objects.get(pk=duty.pk).acting == cast.person["lower_head"]

    make_org("1322", "党支部", "机关内设机构", cast.org["132"])
    browser.post(reverse("draw_new"), asked | {"occasion": "抽查", "size": 1})
    assert Draw.objects.get().acting == cast.person["lower_head"]


@pytest.mark.parametrize("long", [False, True])
def test_a_foreign_or_made_up_post_is_refused_everywhere(cases, as_user, monkeypatch, long):
    monkeypatch.setattr(leaders, "LISTED", 3 if long else 50)
    browser, duty = as_user(cases.cast.user["clerk"]), cases.of_branch()
    foreign = post_of(cases, "root_head", "1")
    for post in (foreign.pk, "N-bureau_head", "-1", "9" * 30, "１", ""):
        asked = {"post": post, "period": "2010H2", "due_on": "2010-12-20"}
        said = [
            browser.post(reverse("duty_assign"), asked | {"target": "org-132", "form": "on_site"}),
            browser.post(
                reverse("duties_bulk"), {"duty": [duty.pk], "do": "reassign", "reason": "调任", "confirmed": 1} | asked
            ),
            browser.post(reverse("draw_new"), asked | {"occasion": "抽查", "size": 1}),
        ]
        for answer in said:
            assert re.search("请先?选择由(谁|哪位领导)点评", answer.content.decode()), post
            assert foreign.person.name not in answer.content.decode()
    assert (Duty.objects.count(), Draw.objects.count()) == (1, 0)
    assert Duty.objects.get().acting == cases.cast.person["member_in_charge"]


@pytest.mark.usefixtures("many")
def test_a_search_asks_the_same_however_many_leaders(cases, as_user, django_assert_max_num_queries):
    browser, url = as_user(cases.cast.user["clerk"]), reverse("duty_assign")
    browser.get(url)
    with django_assert_max_num_queries(40) as queries:
        browser.get(url, {"leader": "塘沽"})
    for _ in range(10):
        make_post(make_person("塘沽委员", cases.cast.org["1321"]), cases.cast.org["1321"], "委员")
    with django_assert_max_num_queries(len(queries)):
        page = browser.get(url, {"leader": "塘沽"}).content.decode()
    assert "找到 12 位（按任职计）。还有 9 位（按任职计）没有列出，请输入更完整的姓名查找。" in page


@pytest.mark.parametrize("junk", ["\x00", "9" * 40, "２", "'\"<script>", "😀" * 300, "-1", "9999-99-99"])
@pytest.mark.usefixtures("many")
def test_junk_beside_a_search_is_no_error(cases, as_user, junk):
    facts = dict.fromkeys(["post", "leader", "q", "reason", "form", "window_units", "quotas", "category", *TYPED], junk)
    for page in pages_of(cases, as_user(cases.cast.user["clerk"]), **facts).values():
        assert 'name="leader"' in page
        assert '"<script>' not in page
