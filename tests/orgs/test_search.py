"""Finding organisations and people by Chinese, code or number, pinyin and initials; within the scope, from an index."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs import clock, directory, people, pinyin, tree
from orgs.models import AuditEvent, Organization, Person
from tests import builders

# --- readings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("赵家梓", ("zhaojiazi", "zjz")),
        ("单小军", ("shanxiaojun", "sxj")),
        ("王单", ("wangdan", "wd")),  # a surname in the first place only
        ("尉迟恭", ("yuchigong", "ycg")),
        ("吕绿", ("lvlv", "ll")),
        ("张长江", ("zhangchangjiang", "zcj")),
        ("買買提·阿不都", ("maimaitiabudou", "mmtabd")),
        ("", ("", "")),
        ("😀", ("", "")),
    ],
)
def test_how_a_persons_name_is_read(name, reading):
    assert pinyin.of_person(name) == reading


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("天津检验检疫局党组", ("tianjinjianyanjianyiju", "tjjyjyj")),
        ("重庆检验检疫局机关党委", ("chongqingjianyanjianyijujiguan", "cqjyjyjjg")),
        ("长春检验检疫局", ("changchunjianyanjianyiju", "ccjyjyj")),
        ("党委", ("dangwei", "dw")),  # nothing else is left
        ("第３支部", ("di3zhibu", "d3zb")),
        ("CCIC党委", ("ccic", "ccic")),
        ("一" * 200, ("yi" * 100, "y" * 200)),  # no longer than the column
    ],
)
def test_how_an_organisations_name_is_read(name, reading):
    assert pinyin.of_organization(name) == reading


# --- stored by the verbs -------------------------------------------------------------------------------------------


def stored(row) -> list[str]:
    row.refresh_from_db()
    return [getattr(row, name) for pair in pinyin.STORED[row._meta.model_name].values() for name in pair]


@pytest.mark.django_db
def test_a_persons_reading_follows_his_name_and_nothing_else():
    person = builders.make_person("单小军")
    assert stored(person) == ["shanxiaojun", "sxj"]
    people.update_many([(person, {"pinyin": "Dan Xiao Jun", "initials": "dxj"})], by=None)
    people.update_many([(person, {"title": "处长"})], by=None)
    assert stored(person) == ["danxiaojun", "dxj"]
    people.update_many([(person, {"name": "赵家梓"})], by=None)
    assert stored(person) == ["zhaojiazi", "zjz"]
    assert "pinyin" not in AuditEvent.objects.filter(verb="修改人员").first().after


@pytest.mark.django_db
def test_persons_written_together_keep_their_own_readings():
    one, other = builders.make_person("赵家梓"), builders.make_person("钱多")
    people.update_many([(other, {"pinyin": "corrected"})], by=None)
    people.update_many([(one, {"name": "孙中"}), (other, {"title": "处长"})], by=None)
    assert stored(one) == ["sunzhong", "sz"]
    assert stored(other) == ["corrected", "qd"]


@pytest.mark.django_db
def test_a_reading_given_with_a_new_person_stays():
    person = builders.make_person("单小军", pinyin="danxiaojun")
    assert stored(person) == ["danxiaojun", "sxj"]


@pytest.mark.django_db
def test_an_organisations_readings_follow_its_names():
    org = builders.make_org("1", "党组", "总局", name="天津检验检疫局党组", short_name="天津局")
    assert stored(org) == ["tianjinjianyanjianyiju", "tjjyjyj", "tianjinju", "tjj"]
    tree.update(org, {"short_name": "津局"}, by=None)
    assert stored(org) == ["tianjinjianyanjianyiju", "tjjyjyj", "jinju", "jj"]
    tree.update(org, {"is_window_unit": True, "initials": "tj"}, by=None)
    tree.update(org, {"is_window_unit": False}, by=None)
    assert stored(org) == ["tianjinjianyanjianyiju", "tj", "jinju", "jj"]


@pytest.mark.django_db
def test_the_reading_is_corrected_in_the_admin(cast, as_user):
    person = builders.make_person("单小军", number="S1")
    client = as_user(cast.user["admin"])
    url = reverse("admin:orgs_person_change", args=[person.pk])
    fields = {name: getattr(person, name) or "" for name in ("number", "name", "kind", "status")}
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    answer = client.post(url, fields | inline | {"pinyin": "danxiaojun", "initials": "dxj"})
    assert answer.status_code == 302
    assert stored(person) == ["danxiaojun", "dxj"]


# --- search ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "whom"),
    [
        ("检务处党", {"member"}),
        ("党员", {"member", "lower_member"}),
        ("jianwuchudang", {"member"}),
        ("JWCD", {"member"}),
        ("jian wu chu d", {"member"}),
        ("N-lower_m", {"lower_member"}),
        ("wuchu", set()),  # the beginning, not the middle
        ("zongjushuji", set()),  # of another range
        ("%", set()),
        ("_", set()),
        ("'", set()),
        ("\U0010ffff", set()),
    ],
)
def test_people_are_found_by_name_number_pinyin_and_initials(cast, as_user, words, whom):
    page = as_user(cast.user["clerk"]).get(reverse("people"), {"q": words})
    found = {person.number.removeprefix("N-") for person in page.context["page_obj"]}
    assert found == whom


@pytest.mark.django_db
def test_a_number_in_capitals_is_found_by_small_letters(cast):
    builders.make_person("甲", number="AB1")
    assert directory.search_people(Person.objects.all(), "ab").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("检疫局", {"13", "132"}),
        ("132", {"132", "1321"}),
        ("tianjinjian", {"13"}),
        ("TJJ", {"13", "131", "1311"}),
        ("tgjy", {"132"}),
        ("guojia", set()),  # above, outside the range
        ("  tg  ", {"132", "1321"}),
    ],
)
def test_organisations_are_found_by_name_code_pinyin_and_initials(cast, as_user, words, codes):
    page = as_user(cast.user["clerk"]).get(reverse("organizations"), {"q": words})
    assert {row.org.code for row in page.context["rows"]} == codes


@pytest.mark.django_db
def test_a_short_name_is_found_by_its_reading(cast):
    tree.update(cast.org["132"], {"short_name": "滨海局"}, by=None)
    for words in ("binhai", "bhj", "滨海"):
        assert [org.code for org in directory.search(Organization.objects.all(), words, clock.today())] == ["132"]


@pytest.mark.django_db
@pytest.mark.parametrize("words", ["书记", "jianwu", "N-"])
def test_queries_of_the_search_do_not_grow_with_the_people(cast, as_user, words):
    client = as_user(cast.user["admin"])

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("people"), {"q": words})
        return len(queries)

    few = asked()
    for at in range(20):
        builders.make_person(f"检务书记{at}", cast.org["1311"], number=f"N-{at}")
    assert asked() == few


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["pinyin", "initials", "number"])
def test_what_begins_with_letters_comes_from_an_index(db, field):
    found = Person.objects.filter(pinyin.begins(field, "zjz")).order_by()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = found.explain()
    assert "SCAN orgs_person" not in plan
    assert "Seq Scan" not in plan
    assert field in plan
