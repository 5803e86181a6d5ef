"""Follow every link that a page shows, as each user: none leads nowhere, and no page says what is not for him.

The text of a member's review stands in every field that has one; the crawler reads pages and downloads (T20).
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urldefrag, urlencode, urljoin

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from orgs.models import User
from reports import reminders, submissions
from reviews import coverage, records, rectifications
from reviews.models import Duty, Record
from tests import builders
from tests.cast import Cast
from tests.reports.submitting import send
from tests.reviews.record_cases import Cases, full_draft, make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

MARK = "机密文字"  # in every text of the member's review and of what followed
# Pages a user, besides the four steps of changing each organisation that he may change. The administrator reaches 448:
# since the rules and their versions, rosters, posts to end and draws have pages of their own; and the names behind
# each number of annex 1. Files lead nowhere, so they are not counted.
MOST = 900
STARTS = (
    "home my_duties records record_new rectifications coverage progress_reports organizations people notifications"
).split()
READERS = {"secretary", "member", "clerk", "admin"}


class Links(HTMLParser):
    """The addresses that a page links to; not what it posts to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


@dataclass
class Page:
    """What one address answered, and from where it was reached."""

    url: str
    status: int
    words: str
    came_from: str


def words_of(answer) -> str:
    """What a reader can see: the page, or the texts inside a workbook."""
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            return unescape("\n".join(book.read(name).decode(errors="replace") for name in book.namelist()))
    return unescape(data.decode(errors="replace"))


def same_list(url: str) -> str:
    """The address without the order of its list: another order shows the same rows (test_tables looks at them)."""
    path, _, query = url.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "sort"]
    return f"{path}?{urlencode(kept)}" if kept else path


def crawl(user: User) -> list[Page]:
    """Every page that the user reaches by links, each once; the admin's own pages have tests of their own."""
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    waiting = [(reverse(name), "") for name in STARTS]
    known = {url for url, _ in waiting}
    pages: list[Page] = []
    counted = 0
    while waiting:
        url, came_from = waiting.pop(0)
        answer = client.get(url)
        words = words_of(answer)
        pages.append(Page(url, answer.status_code, words, came_from))
        is_page = "html" in answer.get("Content-Type", "")
        counted += is_page and "/change/" not in url
        # More would mean that the crawler runs in circles.
        assert counted <= MOST, f"{user}: {url}"
        links = [answer["Location"]] if answer.status_code == 302 else []
        if is_page:
            reader = Links()
            reader.feed(words)
            links += reader.found
        for link in links:
            goal = urldefrag(urljoin(url, link))[0]
            if goal.startswith("/") and not goal.startswith(("/admin/", "/static/")) and same_list(goal) not in known:
                known.add(same_list(goal))
                waiting.append((goal, url))
    return pages


def make_marked(cases: Cases) -> Record:
    """The member's review with its mark in every text, confirmed, acknowledged, planned, sent back, fed back again."""
    cast = cases.cast
    duty = cases.of_member()
    record = records.open_draft(duty, by=cast.user["secretary"])
    point = records.checklist(record)[0].pk
    draft = full_draft(
        record,
        achievements=f"成绩{MARK}",
        problems=(f"问题{MARK}",),
        directions=f"方向{MARK}",
        answers={point: ("no", f"说明{MARK}")},
    )
    # Entered by the office, given back, confirmed by the secretary: every verb with a reason has one.
    records.save_draft(record, draft, by=cast.user["clerk"])
    records.confirm(record, by=cast.user["clerk"])
    records.send_back(record, reason=f"退回{MARK}", by=cast.user["secretary"])
    record = records.confirm(record, by=cast.user["secretary"])
    records.deliver(record, by=cast.user["secretary"])
    records.acknowledge(record, note=f"签收{MARK}", by=cast.user["member"])
    item = record.items.get()
    rectifications.plan(
        item, measures=f"措施{MARK}", responsible="本人", due_on=builders.day("2010-12-12"), by=cast.user["member"]
    )
    rectifications.report(item, text=f"进展{MARK}", by=cast.user["member"])
    rectifications.feed_back(item, outcome=f"落实{MARK}", by=cast.user["member"])
    rectifications.send_back(item, reason=f"再改{MARK}", by=cast.user["secretary"])
    return record


@pytest.fixture
def cases(cast: Cast) -> Cases:
    """Reviews on every level, a joint draft, a voided record, reports, messages; the coverage in step."""
    cases = make_cases(cast)
    with transaction.atomic():
        coverage.sync(cases.period, builders.day("2010-12-10"))
    make_marked(cases)
    cases.confirmed_branch()
    records.confirm(cases.saved(cases.of_bureau(), "root_head"), by=cast.user["root_head"])
    voided = records.confirm(
        cases.saved(
            cases.duty("4", "1321", "lower_secretary", person="lower_member", about="1321"),
            "lower_secretary",
            achievements=f"塘沽{MARK}二",
        ),
        by=cast.user["lower_secretary"],
    )
    records.void(voided, reason=f"作废{MARK}二", by=cast.user["clerk"])
    first = cases.duty("1B", "1", "root_head", person="unit_head", about="12", subject="head", joint_group="1B:12")
    partner = cases.duty("1B", "11", "organ_head", person="unit_head", about="12", subject="head", joint_group="1B:12")
    cases.saved(first, "root_head", duty_ids=(partner.pk,))
    cases.duty("5A", "13", "bureau_head", org="132")
    send(cast.org["13"], cases.period, by=cast.user["clerk"])
    submissions.draft(cast.org["12"], cases.period, by=cast.user["unit_head"])
    reminders.send_due(builders.day("2010-12-20"))
    return cases


@pytest.fixture(scope="module")
def kept() -> dict[str, list[Page]]:
    """What was crawled once for the whole module: plain texts, without the database that they came from."""
    return {}


@pytest.fixture
def pages(kept: dict[str, list[Page]], request: pytest.FixtureRequest) -> dict[str, list[Page]]:
    """What each user of the cast reaches; besides, a committee member of the branch and one aside in the bureau."""
    if not kept:
        kept.update(_crawled(request.getfixturevalue("cases").cast))
    return kept


def _crawled(cast: Cast) -> dict[str, list[Page]]:
    deputy = builders.make_person("检务处支部委员", cast.org["1311"])
    builders.make_post(deputy, cast.org["1311"], "委员")
    cast.user["committee"] = builders.make_user(deputy)
    aside = builders.make_person("天津局班子成员", cast.org["1311"])
    builders.make_post(aside, cast.org["13"], "成员")
    cast.user["aside"] = builders.make_user(aside)  # sits in the team, in charge of nothing
    return {part: crawl(user) for part, user in cast.user.items()}


def test_no_link_leads_nowhere_and_no_page_breaks(pages):
    found = sorted(
        f"{part}: {page.url} {page.status} from {page.came_from}"
        for part, reached in pages.items()
        for page in reached
        if page.status >= 400
    )
    assert not found, "\n" + "\n".join(found)


def test_the_crawler_gets_about(pages):
    """Otherwise the other tests here say nothing."""
    reached = {part: {page.url for page in found} for part, found in pages.items()}
    assert {part for part in pages if len(reached[part]) < len(STARTS)} == set()
    assert any(re.fullmatch(r"/records/\d+/annex\.xlsx", url) for url in reached["member"])
    assert any(url.endswith(".csv?period=2010H2") for url in reached["clerk"])
    assert any(url.startswith("/coverage/1321/") for url in reached["root_clerk"]), "sums cross the guidance edge"


def test_the_text_of_a_members_review_is_for_four(pages):
    """The member, the reviewer who is the branch's secretary, the superior's office; administrators (T20)."""
    one = {part for part, found in pages.items() if any(re.search(f"{MARK}(?!二)", page.words) for page in found)}
    assert one == READERS
    two = {part for part, found in pages.items() if any(f"{MARK}二" in page.words for page in found)}
    assert two == {"lower_secretary", "lower_member", "clerk", "admin"}


def test_names_stop_at_the_guidance_edge(pages):
    """The system's office and head count the bureau's people, but meet nobody of them; its own reviews apart."""
    for part in ("root_head", "root_clerk", "organ_head"):
        for name in "检务处党员 检务处支部书记 塘沽党员 塘沽支部书记 塘沽局书记 天津局分管成员".split():
            met = [page.url for page in pages[part] if name in page.words]
            assert not met, f"{part} meets {name} on {met}"


def test_names_of_another_branch_and_bureau_stay_unknown(pages):
    strangers = {
        "lower_member": ("检务处党员", "检务处支部书记", "信息中心书记"),
        "lower_secretary": ("检务处党员", "天津局分管成员", "信息中心书记"),
        "unit_secretary": ("检务处党员", "天津局书记", "塘沽党员"),
        "unit_head": ("检务处党员", "天津局书记", "塘沽党员", "办公厅支部书记"),
        "member": ("塘沽党员", "信息中心书记"),
        "stranger": tuple("检务处党员 塘沽党员 总局书记 天津局书记 信息中心书记".split()),
    }
    for part, names in strangers.items():
        for name in names:
            met = [page.url for page in pages[part] if name in page.words]
            assert not met, f"{part} meets {name} on {met}"


def test_a_team_member_in_charge_of_nothing_meets_none_of_the_units_below(pages):
    for name in ("塘沽检验检疫局党组", "塘沽局综合党支部"):
        met = [page.url for page in pages["aside"] if name in page.words]
        # What his own organisation sent up names them: the form is that of the whole team.
        assert all(re.match(r"/reports/\d+/", url) for url in met), f"{name} on {met}"


def test_a_joint_reviewer_comes_from_the_draft_to_the_partners_duty(cases, as_user):
    draft = Record.objects.get(state="draft")
    duty = Duty.objects.get(rule_code="1B", reviewer_org__code="1")
    client = as_user(cases.cast.user["organ_head"])
    url = reverse("duty", args=[duty.pk])
    assert url in client.get(reverse("record_edit", args=[draft.pk])).content.decode()
    assert client.get(url).status_code == 200
    assert as_user(cases.cast.user["unit_deputy"]).get(url).status_code == 404
