"""Pages of half-years: counts, gaps, preview, generation, csv; administrators only."""

import pytest
from django.urls import reverse

from orgs import clock, people
from orgs.models import AuditEvent, Post
from reviews import duties, duty_csv, overview
from reviews.models import Duty, DutyStatus, Generation, Period, Rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def admin(cast, as_user):
    return as_user(cast.user["admin"])


@pytest.fixture
def period(cast):
    return duties.ensure_period("2010H2")


@pytest.fixture
def generated(period):
    duties.regenerate(period)
    return Period.objects.get(pk=period.pk)


def url(name="period", code="2010H2"):
    return reverse(name, args=[code])


@pytest.mark.parametrize("part", ["root_clerk", "clerk", "root_head", "secretary", "member", "stranger"])
@pytest.mark.parametrize("name", ["periods", "period", "period_generate", "period_duties_csv"])
def test_only_administrators_find_them(generated, cast, as_user, part, name):
    client = as_user(cast.user[part])
    address = reverse(name) if name == "periods" else url(name)
    before = Duty.objects.count()
    assert client.get(address).status_code == 404
    assert client.post(address).status_code == 404
    assert Duty.objects.count() == before


@pytest.mark.parametrize("code", ["2011H1", "2010h2", "2010H3", "x", "%00", "2010H2%00", "２０１０H2"])
@pytest.mark.parametrize("name", ["period", "period_duties_csv"])
def test_a_code_that_names_no_half_year_of_ours_is_not_found(generated, admin, name, code):
    assert admin.get(url(name).replace("2010H2", code)).status_code == 404


# --- the list ---------------------------------------------------------------------------------------------------


def test_an_empty_list_says_what_to_do_and_offers_the_half_year_of_today(cast, admin):
    page = admin.get(reverse("periods")).content.decode()
    assert "还没有点评期" in page
    assert 'value="2010H2"' in page


def test_the_list_offers_the_next_half_year_that_is_missing(period, admin):
    duties.ensure_period("2011H1")
    assert 'value="2011H2"' in admin.get(reverse("periods")).content.decode()


def test_a_half_year_is_made_by_its_code(cast, admin):
    answer = admin.post(reverse("periods"), {"code": " 2011h1 "})
    assert answer.status_code == 302
    assert answer["Location"] == url(code="2011H1")
    made = Period.objects.get()
    assert (made.code, made.name) == ("2011H1", "2011年上半年")
    assert AuditEvent.objects.get(model="reviews.period").by == cast.user["admin"]


def test_a_code_twice_leads_to_the_one_there_is(generated, admin):
    assert admin.post(reverse("periods"), {"code": "2010H2"})["Location"] == url()
    assert Period.objects.count() == 1


@pytest.mark.parametrize("code", ["", "2010", "2010H3", "下半年", "2010H2\x00", "2010H2" * 9])
def test_a_code_that_is_none_is_refused_beside_the_field_and_kept(cast, admin, code):
    answer = admin.post(reverse("periods"), {"code": code})
    assert answer.status_code == 200
    assert answer.context["form"].errors["code"]
    assert "field-error" in answer.content.decode()
    assert not Period.objects.exists()


# --- one half-year ------------------------------------------------------------------------------------------------


def test_the_counts_are_those_of_the_duties(generated, admin):
    first, second, third = Duty.objects.filter(rule_code="4")[:3]
    Duty.objects.filter(pk=first.pk).update(status=DutyStatus.DONE)
    Duty.objects.filter(pk__in=[second.pk, third.pk]).update(status=DutyStatus.EXEMPT)
    answer = admin.get(url())
    rows = {row.code: row for row in answer.context["rows"]}
    assert list(rows) == list(
        Rule.objects.filter(scheme__is_active=True).order_by("order").values_list("code", flat=True)
    )
    for code, row in rows.items():
        mine = Duty.objects.filter(rule_code=code)
        assert row.total == mine.count()
        assert row.pending == mine.filter(status=DutyStatus.PENDING).count()
    assert (rows["4"].done, rows["4"].exempt) == (1, 2)
    total = answer.context["total"]
    assert total.total == Duty.objects.count() == total.done + total.pending + total.exempt


def test_duties_that_no_rule_made_have_a_line_of_their_own(generated, admin):
    duty = Duty.objects.filter(rule_code="4").first()
    Duty.objects.filter(pk=duty.pk).update(rule=None, rule_code="X")
    rows = {row.code: row for row in admin.get(url()).context["rows"]}
    assert (rows["X"].clause, rows["X"].total) == ("上级指派", 1)


def test_a_half_year_without_duties_says_what_to_do(period, admin):
    page = admin.get(url()).content.decode()
    assert "还没有生成过任务" in page
    assert "本期还没有任务" in page
    assert url("period_duties_csv") not in page


def test_the_page_asks_the_same_however_many_duties(generated, admin, django_assert_max_num_queries):
    with django_assert_max_num_queries(22):
        admin.get(url())


# --- gaps ----------------------------------------------------------------------------------------------------------


def vacate(cast, part, code):
    """The 书记 of an organisation is removed today."""
    post = Post.objects.get(person=cast.person[part], organization=cast.org[code], role="secretary")
    people.remove(post, on=clock.today(), by=None)


def test_the_page_counts_the_gaps_and_leads_to_each_kind(generated, cast, admin):
    vacate(cast, "secretary", "1311")
    duties.regenerate(generated)
    answer = admin.get(url())
    tallies = {tally.kind.code: tally.open for tally in answer.context["tallies"]}
    assert tallies["vacant"] == 1
    assert answer.context["unexplained"] == sum(number for code, number in tallies.items() if code != "dissolved")
    assert f"{reverse('gaps')}?period=2010H2&amp;kind=vacant" in answer.content.decode()


def test_who_is_only_acting_head_fills_the_post(generated, cast):
    vacate(cast, "secretary", "1311")
    people.appoint(cast.person["member"], cast.org["1311"], "deputy", is_acting=True, by=None)
    assert not overview.without_head(clock.today()).exists()


def test_a_deputy_who_does_not_act_leaves_it_vacant(generated, cast):
    vacate(cast, "secretary", "1311")
    people.appoint(cast.person["member"], cast.org["1311"], "deputy", by=None)
    assert [org.code for org in overview.without_head(clock.today())] == ["1311"]


# --- what leads to a generation (its own pages: test_generation_pages.py) ----------------------------------------


@pytest.mark.parametrize("day", ["2010-06-30", "2011-01-01", "abc", "2010-02-30", "0001-01-01", "2010-12-10\x00"])
def test_a_day_outside_the_half_year_or_none_at_all_is_refused(period, admin, day):
    posted = admin.post(url("period_generate"), {"on": day})
    assert posted.status_code == 200
    assert "field-error" in posted.content.decode()
    assert not Generation.objects.exists()


def test_a_preview_is_never_a_get(generated, admin):
    assert admin.get(url("period_generate")).status_code == 405


@pytest.mark.parametrize(("code", "word"), [("2010H1", "已经结束，没有生成过任务"), ("2011H2", "只生成本期和下一期")])
def test_the_page_says_why_a_period_cannot_be_generated(cast, admin, code, word):
    duties.ensure_period(code)
    page = admin.get(url(code=code)).content.decode()
    assert word in page
    assert url("period_generate", code) not in page
    assert word in admin.post(url("period_generate", code), follow=True).content.decode()
    assert not Generation.objects.exists()


# --- csv -------------------------------------------------------------------------------------------------------------


def test_the_csv_is_the_exported_one_and_leaves_a_trace(generated, admin, cast):
    answer = admin.get(url("period_duties_csv"))
    assert answer["Content-Disposition"] == 'attachment; filename="duties-2010H2.csv"'
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.getvalue().decode()
    assert text == "".join(duty_csv.lines(generated))
    assert len(text.splitlines()) == 1 + Duty.objects.count()
    assert AuditEvent.objects.filter(verb="导出任务", by=cast.user["admin"]).exists()
