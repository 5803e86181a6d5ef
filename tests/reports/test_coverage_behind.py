"""From the figures of the analysis down to the last name, as far as the user sees names; late entries are marked."""

import io
import re

import pytest
from django.db import transaction
from django.urls import reverse
from openpyxl import load_workbook

from orgs import clock
from orgs.models import Category
from reports import analysis
from reviews import coverage as targets
from reviews import duties
from reviews.models import ItemState, Record, RectificationItem, ReviewForm
from tests.builders import day, make_bare_record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def period(cast):
    found = duties.ensure_period("2010H2")
    duties.regenerate(found)
    return found


@pytest.fixture
def record(cast, period):
    """A review of the member, held in December, confirmed the day after, with one problem handed down."""
    made = make_bare_record(
        period, cast.org["1311"], cast.person["secretary"], of_person=cast.person["member"], held_on=day("2010-12-01")
    )
    made.review.form = ReviewForm.MEETING
    made.review.save()
    Record.objects.filter(pk=made.pk).update(confirmed_at="2010-12-02T08:00:00Z")
    made.refresh_from_db()
    with transaction.atomic():
        targets.confirmed(made)
    RectificationItem.objects.create(
        record=made, order=1, text="学习不够", state=ItemState.TO_PLAN, due_on=day("2010-12-05")
    )
    return made


def links(client, code="13"):
    text = client.get(reverse("coverage_details", args=[code])).content.decode()
    return [found.replace("&amp;", "&") for found in re.findall(r'href="(/coverage/[^"]+/behind/[^"]+)"', text)]


def behind(client, what, value, code="13"):
    return client.get(reverse("coverage_behind", args=[code, what, value]))


def test_every_figure_leads_to_its_names(cast, period, record, settings, as_user):
    settings.TODAY = "2011-01-10"  # over: what is open is overdue
    client = as_user(cast.user["clerk"])
    found = links(client)
    kinds = {re.search(r"/behind/([^/]+)/", url).group(1) for url in found}
    assert kinds == {"overdue", "form", "items", "category", "window"}
    for url in found:
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.context["total"] > 0, url


def test_the_list_is_what_the_figure_counts(cast, period, record, as_user):
    client = as_user(cast.user["clerk"])
    sections = {s.slug: s for s in analysis.sections(cast.user["clerk"], period, cast.org["13"], clock.today())}
    forms = {line.name: line.cells[0] for line in sections["forms"].lines}
    shown = behind(client, "form", "meeting")
    assert (forms["集中点评"], shown.context["total"]) == (1, 1)
    assert shown.context["entries"][0].url == reverse("record", args=[record.pk])
    for line, value in zip(sections["rectified"].lines, ("open", "overdue"), strict=False):
        assert behind(client, "items", value).context["total"] == line.cells[0] == 1
    assert "检务处党员" not in behind(client, "window", "yes").content.decode()  # was reviewed
    assert "塘沽党员" in behind(client, "window", "no").content.decode()


def rows_of(client, what, value, code="13"):
    answer = client.get(reverse("coverage_behind_file", args=[code, what, value]))
    assert answer.status_code == 200
    head, *rows = load_workbook(io.BytesIO(b"".join(answer))).active.iter_rows(values_only=True)
    return head, rows


def test_every_list_is_a_file_of_the_same_names(cast, period, record, settings, as_user):
    settings.TODAY = "2011-01-10"
    Record.objects.filter(pk=record.pk).update(confirmed_at="2011-01-05T08:00:00Z")
    client, kinds = as_user(cast.user["clerk"]), set()
    for url in links(client):
        shown = client.get(url)
        file = reverse("coverage_behind_file", args=["13", shown.context["what"], shown.context["value"]])
        assert f'href="{file}?period=2010H2"' in shown.text
        head, rows = rows_of(client, shown.context["what"], shown.context["value"])
        assert len(head) == max(map(len, rows))
        assert len(rows) == shown.context["total"]
        assert [row[0] for row in rows][:50] == [entry.name for entry in shown.context["entries"]]
        kinds.add(shown.context["what"])
    assert kinds == {"overdue", "form", "items", "category", "window", "late"}
    assert rows_of(client, "form", "meeting")[1][0][:2] == ("检务处党员", "天津局检务处党支部")


def test_the_file_names_whom_the_page_names(cast, period, record, as_user):
    _, rows = rows_of(as_user(cast.user["root_clerk"]), "window", "no", "1")
    assert rows
    assert not any("塘沽" in str(row) for row in rows)
    url = reverse("coverage_behind_file", args=["13", "window", "no"])
    assert as_user(cast.user["stranger"]).get(url).status_code == 404
    assert as_user(cast.user["clerk"]).get(url.replace("window", "nothing")).status_code == 404


def test_a_category_with_a_stroke_in_its_name_has_its_file(cast, period, as_user):
    org = cast.org["1321"]
    Category.objects.filter(pk=org.category_id).update(name="机关/[内设]:机构")
    head, rows = rows_of(as_user(cast.user["clerk"]), "category", "机关/[内设]:机构")
    assert head == ("姓名或名称", "编号或代码", "所在组织")
    assert rows


def test_names_end_where_the_scope_ends(cast, period, record, as_user):
    shown = behind(as_user(cast.user["root_clerk"]), "window", "no", "1")
    assert "塘沽党员" not in shown.content.decode()
    assert shown.context["unnamed"] > 0
    assert behind(as_user(cast.user["stranger"]), "window", "no").status_code == 404


@pytest.mark.parametrize(
    ("what", "value"),
    [("nothing", "x"), ("form", "x"), ("items", "x"), ("late", "x"), ("category", "x"), ("window", "x")],
)
def test_there_is_no_list_of_anything_else(cast, period, as_user, what, value):
    assert behind(as_user(cast.user["clerk"]), what, value).status_code == 404


def test_late_entries_are_marked_and_listed(cast, period, record, settings, as_user):
    client, page = as_user(cast.user["clerk"]), reverse("record", args=[record.pk])
    assert "补录" not in client.get(page).content.decode()
    assert behind(client, "late", "members").context["total"] == 0
    Record.objects.filter(pk=record.pk).update(confirmed_at="2011-01-05T08:00:00Z")
    settings.TODAY = "2011-01-10"
    assert "补录" in client.get(page).content.decode()
    assert "补录" in client.get(reverse("records")).content.decode()
    assert [entry.name for entry in behind(client, "late", "members").context["entries"]] == ["检务处党员"]
    url = next(url for url in links(client) if "/late/members/" in url)
    assert client.get(url).status_code == 200
