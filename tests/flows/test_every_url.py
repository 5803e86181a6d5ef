"""Every URL by every seat. A URL that is in no table below fails: somebody decides, and writes it down here.

The objects belong to 检务处党支部 (1311) or its bureau (13). Who has no business there gets the same answer as for
what does not exist, by GET and by POST; nobody, whatever he sends, gets a 500.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from orgs import accounts, tokens
from orgs.importing import aliases, export, job
from orgs.models import ApiToken, Charge, OrganizationAlias, Post, Scheme, User
from reports import exports
from reports.models import Notification, NotificationKind
from reports.outside import issues, returns
from reviews import coverage, draws, generation, rule_versions, rules, set_aside, work_plans
from reviews.models import AcceptedGap, Duty, RectificationItem, Rule
from tests import builders
from tests.cast import Cast
from tests.reports.outside_cases import filled, make_outside
from tests.reports.submitting import send
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

# Seats: nobody (an account without a person), elsewhere (a member of another bureau's branch), sibling (the office of
# a unit beside the bureau), guiding (the office above, across the guidance edge), secretary (of the branch),
# office (of the bureau, above the branch in its domain), admin.
SEATS = ("nobody", "elsewhere", "sibling", "guiding", "secretary", "office", "admin")

# What anybody may see without logging in; each was looked at.
PUBLIC = {"login", "healthz", "calendar_feed", "fill_open", "fill_in"}


# Answers in the order of SEATS; a row stands for all seven where they are the same.
OPEN = "200 200 200 200 200 200 200"  # begins at the user's own seat: what he finds there, the page's own tests say
SENT_ON = "302 302 302 302 302 302 302"
NEVER = "405 405 405 405 405 405 405"  # not by this method

# name: (answers to GET, answers to an empty POST). Each row was looked at: nobody, elsewhere and sibling get 404 for
# everything with a key; guiding gets sums and what was reported to it, but neither persons nor texts.
MATRIX = {
    "home": (SENT_ON, NEVER),
    "login": (SENT_ON, SENT_ON),
    "logout": (NEVER, SENT_ON),
    "password_change": (OPEN, OPEN),
    "api_tokens": ("404 404 200 200 404 200 200", "404 404 200 200 404 200 200"),  # offices and administrators
    "api_token_revoke": (NEVER, "404 404 404 404 404 302 404"),  # one's own
    "organizations": (OPEN, NEVER),
    "organizations_export": (OPEN, NEVER),
    "organization": ("404 404 404 200 200 200 200", NEVER),
    "organization_children": ("404 404 404 302 302 302 302", NEVER),
    "organization_roster": ("404 404 404 404 200 200 200", NEVER),
    "member_add": ("404 404 404 404 200 200 200", "404 404 404 404 200 200 200"),
    "post_add": ("404 404 404 404 200 200 200", "404 404 404 404 200 200 200"),
    "charge_add": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "charge_handover": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "members_transfer": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "change_menu": ("404 404 404 404 404 200 200", NEVER),
    "change_rename": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "change_move": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "change_merge": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "change_split": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "change_dissolve": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "post_end": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "charge_end": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "people": (OPEN, NEVER),
    "people_export": (OPEN, NEVER),
    "person": ("404 404 404 404 200 200 200", NEVER),
    "person_edit": ("404 404 404 404 200 200 200", "404 404 404 404 200 200 200"),
    "person_transfer": ("404 404 404 404 404 200 200", "404 404 404 404 404 200 200"),
    "account_open": (NEVER, "404 404 404 404 404 302 302"),
    "account_reset": (NEVER, "404 404 404 404 404 200 200"),
    "irregularities": ("404 404 200 200 404 200 200", NEVER),  # offices, each of its own
    "irregularities_export": ("404 404 200 200 404 200 200", NEVER),
    "import_start": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "import_template": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "import_preview": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "import_confirm": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "import_progress": ("404 404 404 404 404 404 302", "404 404 404 404 404 404 405"),
    "import_cancel": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "import_recheck": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "import_answer": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "import_undo": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "import_aliases": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "import_alias_remove": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "import_errors": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "my_duties": (OPEN, OPEN),
    "duty": ("404 404 404 404 200 200 200", "404 404 404 404 200 200 200"),
    "duty_why": (OPEN, NEVER),  # answers within what the user sees: the page's own tests say
    "duty_start": (NEVER, "404 404 404 404 302 302 302"),
    "duty_exempt": (NEVER, "404 404 404 404 302 302 302"),
    "duty_resume": (NEVER, "404 404 404 404 302 302 302"),
    "duty_reassign": (NEVER, "404 404 404 404 302 302 302"),
    "duty_withdraw": (NEVER, "404 404 404 404 302 302 302"),
    "office_duties": (OPEN, NEVER),
    "duties_bulk": (NEVER, SENT_ON),
    "duty_assign": (OPEN, OPEN),
    "calendar_settings": (OPEN, NEVER),
    "calendar_subscribe": (NEVER, OPEN),
    "calendar_revoke": (NEVER, SENT_ON),
    "calendar_file": (OPEN, NEVER),
    "calendar_feed": ("404 404 404 404 404 404 404", NEVER),  # by a secret address only
    "draws": (OPEN, NEVER),
    "draw_new": (OPEN, OPEN),
    "draw": ("404 404 404 404 200 200 200", NEVER),  # whoever is in the frame
    "draw_run": (NEVER, "404 404 404 404 302 302 302"),  # he is told that it is not his to do
    "draw_void": (NEVER, "404 404 404 404 302 302 302"),
    "draw_export": ("404 404 404 404 200 200 200", NEVER),
    "work_plans": (OPEN, NEVER),
    "work_plan_new": (NEVER, SENT_ON),
    "work_plans_missing": ("404 404 200 200 200 200 200", NEVER),
    "work_plans_missing_file": ("404 404 200 200 200 200 200", NEVER),
    "work_plan": ("404 404 404 404 200 200 200", NEVER),
    "work_plan_edit": ("404 404 404 404 200 200 200", "404 404 404 404 200 200 200"),
    "work_plan_refresh": (NEVER, "404 404 404 404 302 302 302"),
    "work_plan_submit": (NEVER, "404 404 404 404 302 302 302"),
    "work_plan_approve": (NEVER, "404 404 404 404 302 302 302"),
    "work_plan_send_back": (NEVER, "404 404 404 404 302 302 302"),
    "work_plan_issue": (NEVER, "404 404 404 404 302 302 302"),
    "work_plan_file": (NEVER, "404 404 404 404 302 302 302"),
    "work_plan_adjust": (NEVER, "404 404 404 404 302 302 302"),
    "work_plan_complete": (NEVER, "404 404 404 404 302 302 302"),
    "work_plan_cancel": (NEVER, "404 404 404 404 302 302 302"),
    "records": (OPEN, OPEN),
    "record_new": (OPEN, SENT_ON),
    "record": ("404 404 404 404 200 200 200", "404 404 404 404 200 200 200"),
    "record_edit": ("404 404 404 404 200 200 200", "404 404 404 404 200 200 200"),
    "record_autosave": (NEVER, "404 404 404 404 200 200 200"),
    "record_confirm": (NEVER, "404 404 404 404 200 200 200"),
    "record_done": ("404 404 404 404 200 200 200", "404 404 404 404 200 200 200"),
    "record_discard": (NEVER, "404 404 404 404 302 302 302"),
    "record_set_due": (NEVER, "404 404 404 404 302 302 302"),
    "record_approve": (NEVER, "404 404 404 404 302 302 302"),
    "record_send_back": (NEVER, "404 404 404 404 302 302 302"),
    "record_deliver": (NEVER, "404 404 404 404 302 302 302"),
    "record_acknowledge": (NEVER, "404 404 404 404 302 302 302"),
    "record_void": (NEVER, "404 404 404 404 302 302 302"),
    "rectifications": (OPEN, OPEN),
    "rectification": ("404 404 404 404 200 200 200", "404 404 404 404 200 200 200"),
    "rectification_plan": (NEVER, "404 404 404 404 200 200 200"),
    "rectification_report": (NEVER, "404 404 404 404 200 200 200"),
    "rectification_feed_back": (NEVER, "404 404 404 404 200 200 200"),
    "rectification_accept": (NEVER, "404 404 404 404 200 200 200"),
    "rectification_send_back": (NEVER, "404 404 404 404 200 200 200"),
    "gaps": (
        "404 404 200 200 404 200 200",
        "404 404 404 404 404 404 404",
    ),  # offices, each of its own; POST: of no kind
    "gaps_export": ("404 404 409 409 404 409 409", NEVER),  # before duties were generated
    "rules": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "schemes": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "scheme_add": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "scheme_switches": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "scheme_forms": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "scheme_grades": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "scheme_activate": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "rule_new": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "rule_cadence": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "rule_edit": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "rule_versions": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "rule_restore": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 200"),
    "periods": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "period": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "period_generate": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "generation": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "generation_progress": ("404 404 404 404 404 404 302", "404 404 404 404 404 404 405"),
    "generation_confirm": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "generation_cancel": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "generation_lines": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "generation_lines_file": ("404 404 404 404 404 404 200", NEVER),
    "line_set_aside": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "set_aside_withdraw": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "period_duties_csv": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),
    "round_new": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "round_edit": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 200"),
    "round_close": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "coverage": ("200 302 302 302 302 302 302", NEVER),
    "coverage_org": ("404 404 404 200 200 200 200", NEVER),
    "annex_day": ("404 404 404 200 200 200 200", NEVER),
    "annex_day_file": ("404 404 404 200 200 200 200", NEVER),
    "annex_day_print": ("404 404 404 200 200 200 200", NEVER),
    "coverage_behind": ("404 404 404 200 200 200 200", NEVER),
    "coverage_behind_file": ("404 404 404 200 200 200 200", NEVER),
    "coverage_table": ("404 404 404 200 200 200 200", NEVER),
    "coverage_details": ("404 404 404 200 200 200 200", NEVER),
    "coverage_details_file": ("404 404 404 200 200 200 200", NEVER),
    "coverage_exempt": ("404 404 404 200 200 200 200", NEVER),
    "coverage_exempt_file": ("404 404 404 200 200 200 200", NEVER),
    "coverage_quality": ("404 404 404 200 200 200 200", NEVER),
    "coverage_missing": ("404 404 404 200 200 200 200", NEVER),
    "coverage_remind": (NEVER, "404 404 404 404 302 302 302"),
    "coverage_missing_file": ("404 404 404 200 200 200 200", NEVER),
    "export_ask": (NEVER, "404 404 404 404 404 404 404"),  # of which period, nothing says
    "export_list": (OPEN, NEVER),
    "export_long": ("404 404 404 404 404 404 404", "302 302 302 302 302 302 302"),  # of which list, nothing says
    "export_file": ("404 404 404 404 404 200 404", NEVER),  # one's own
    "export_delete": (NEVER, "404 404 404 404 404 302 404"),
    "notifications": (OPEN, NEVER),
    "notifications_read": (NEVER, SENT_ON),
    "notification_open": (NEVER, "404 404 404 404 302 404 404"),
    "progress_reports": (OPEN, NEVER),
    "progress_draft": (NEVER, "404 404 404 404 404 404 404"),
    "progress_report": ("404 404 404 200 404 200 200", NEVER),
    "progress_submit": (NEVER, "404 404 404 400 404 400 400"),
    "progress_discard": (NEVER, "404 404 404 302 404 302 302"),
    "progress_return": (NEVER, "404 404 404 400 404 400 400"),
    "progress_accept": (NEVER, "404 404 404 302 404 302 302"),
    "progress_take_back": (NEVER, "404 404 404 302 404 302 302"),
    "progress_reopen": (NEVER, "404 404 404 302 404 302 302"),
    "progress_differences": ("404 404 404 200 404 200 200", NEVER),
    "progress_differences_file": ("404 404 404 200 404 200 200", NEVER),
    "progress_names": ("404 404 404 200 404 200 200", NEVER),  # which names, the page's own tests say
    "progress_names_file": ("404 404 404 200 404 200 200", NEVER),
    "progress_unit": ("404 404 404 200 404 200 200", NEVER),  # who sums it up, and who reports for it
    "progress_unit_explain": (NEVER, "404 404 404 400 404 400 400"),
    "progress_unit_unexplain": (NEVER, "404 404 404 302 404 302 302"),
    "progress_unit_extend": (NEVER, "404 404 404 400 404 400 400"),
    "progress_unit_way": (NEVER, "404 404 404 302 404 302 302"),
    "progress_urge": (NEVER, "404 404 404 302 404 302 302"),
    "progress_settings": ("404 404 404 404 404 404 200", "404 404 404 404 404 404 405"),  # administrators
    "progress_deadline": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 400"),
    "progress_rule": ("404 404 404 404 404 404 405", "404 404 404 404 404 404 302"),
    "progress_report_annex": ("404 404 404 200 404 200 200", NEVER),
    "progress_report_print": ("404 404 404 200 404 200 200", NEVER),
    # Forms of units outside the system: for the office above the unit, which here is that of the root (guiding).
    "outside_units": (OPEN, NEVER),
    "outside_set": (NEVER, "404 404 404 404 404 404 404"),  # of whom, nothing says
    "outside_issue_all": (NEVER, "404 404 404 404 404 404 404"),  # for which units, nothing says
    "outside_upload": (NEVER, "404 404 404 404 404 404 404"),
    "outside_unit": ("404 404 404 200 404 404 200", NEVER),
    "outside_unit_form": (NEVER, "404 404 404 404 404 404 404"),  # in which period, nothing says
    "outside_unit_link": (NEVER, "404 404 404 404 404 404 404"),
    "outside_file": ("404 404 404 200 404 404 200", NEVER),
    "outside_revoke": (NEVER, "404 404 404 302 404 404 302"),
    "outside_returned": ("404 404 404 200 404 404 404", NEVER),  # one's own upload
    "outside_take": (NEVER, "404 404 404 302 404 404 404"),
    "outside_drop": (NEVER, "404 404 404 302 404 404 404"),
    "fill_open": ("404 404 404 404 404 404 404", NEVER),  # by a secret address only
    "fill_in": ("404 404 404 404 404 404 404", "404 404 404 404 404 404 404"),  # by who opened it
    "record_annex": ("404 404 404 404 200 200 200", NEVER),
    "record_print": ("404 404 404 404 200 200 200", NEVER),
    "healthz": (OPEN, NEVER),
}


@dataclass
class World:
    """One object of each kind, and who asks for it."""

    cast: Cast
    users: dict[str, User]
    keys: dict[str, dict[str, Any]]  # by URL name: the arguments of the real object

    def url(self, name: str) -> str:
        return reverse(name, kwargs=self.keys[name])


def named_urls(resolver: URLResolver | None = None) -> Iterator[tuple[str, URLPattern]]:
    """Every named URL outside the admin (which tests/orgs/test_admin_orgs.py and its siblings walk)."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            if entry.app_name not in ("admin", "ninja"):
                yield from named_urls(entry)
        else:
            assert entry.name, f"{entry.pattern} has no name"
            yield entry.name, entry


URLS = dict(named_urls())
WITH_KEY = sorted(name for name, entry in URLS.items() if entry.pattern.converters)


OF_A_DRAFT = {"record_edit", "record_autosave", "record_confirm", "record_discard"}


@pytest.fixture
def world(cast) -> World:
    cases = make_cases(cast)
    with transaction.atomic():
        coverage.sync(cases.period, builders.day("2010-12-10"))
    confirmed = cases.confirmed()
    draft = cases.saved(cases.duty("4", "1311", "secretary", person="bureau_head"), "secretary")
    draft_duty = draft.duties.get()
    item = RectificationItem.objects.filter(record=confirmed).first()
    report = send(cast.org["13"], cases.period, by=cast.user["clerk"])
    message = Notification.objects.create(
        recipient=cast.user["secretary"], key="k", kind=NotificationKind.DUTIES, title="标题", url="/duties/"
    )
    batch = job.upload(export.template(), "模板.xlsx", by=cast.user["admin"])
    aliases.learn({"检务处支部": "1311"}, by=cast.user["admin"])
    sibling = builders.make_user(username="sibling")
    accounts.grant_office(sibling, cast.org["12"], by=None)
    users = {
        "nobody": cast.user["stranger"],
        "elsewhere": cast.user["lower_member"],
        "sibling": sibling,
        "guiding": cast.user["root_clerk"],
        "secretary": cast.user["secretary"],
        "office": cast.user["clerk"],
        "admin": cast.user["admin"],
    }
    drawn = draws.define(
        cast.org["13"], period=cases.period, acting=cast.person["bureau_head"], frame=draws.Frame(), size=1,
        due_on=cases.period.ends_on, occasion="季度随机点评", by=cast.user["clerk"],
    )  # fmt: skip
    builders.make_round()
    plan = work_plans.draft(cast.org["1311"], period=cases.period, by=cast.user["clerk"])
    pk_of = {
        "draw": drawn.pk,
        "work": plan.pk,
        "duty": draft_duty.pk,
        "record": confirmed.pk,
        "draft": draft.pk,
        "rectification": item.pk,
        "notification": message.pk,
        "progress": report.pk,
        "import": batch.pk,
        "alias": OrganizationAlias.objects.get().pk,
        "post": Post.objects.get(person=cast.person["secretary"]).pk,
        "charge": Charge.objects.get(team=cast.org["13"]).pk,
    }
    AcceptedGap.objects.create(
        period=cases.period, kind="idle", person=cast.person["secretary"], reason="病休", by=cast.user["admin"]
    )
    Duty.objects.filter(period=cases.period, rule_code="4", records__isnull=True).delete()
    previewed = generation.start(cases.period, by=cast.user["admin"])
    pk_of |= {"generation": previewed.pk, "line": previewed.lines.last().pk}
    aside = set_aside.set_aside(previewed.lines.first(), reason="病休", by=cast.user["admin"])
    pk_of["set"] = aside.pk
    pk_of["export"] = exports.ask(cast.org["13"], cases.period, by=users["office"]).pk
    tokens.issue(users["office"], name="平台", days=30)
    pk_of["api"] = ApiToken.objects.get().pk
    unit = make_outside(cast)
    issue = issues.issue_form(unit, cases.period, by=users["guiding"])
    returned = returns.upload(filled(issues.file_of(issue)), "a.xlsx", period=cases.period, by=users["guiding"])
    pk_of |= {"outside": issue.pk, "fill": issue.pk}
    pk_of["rule"] = Rule.objects.get(code="4").pk
    pk_of["scheme"] = Scheme.objects.get(is_active=True).pk
    version = rule_versions.stamp(rules.every())[0]
    words = {
        "what": "form", "value": "meeting", "fault": "copies", "measure": "members", "kind": "csv", "number": "N-member", "period": "2010H2", "line": 1,
        "part": "due",
    }  # fmt: skip
    keys = {}
    for name, entry in URLS.items():
        code = "2010H2" if name.startswith("period") else "13" if name in ("charge_add", "charge_handover") else "1311"
        code = "ND2010" if name.startswith("round") else "13" if name.startswith("progress") else code
        noun = "draft" if name in OF_A_DRAFT else "alias" if "alias" in name else name.split("_")[0]
        keys[name] = {key: pk_of[noun] if key == "pk" else words.get(key, code) for key in entry.pattern.converters}
    for name in ("outside_unit", "outside_unit_form", "outside_unit_link"):
        keys[name] = {"code": unit.code}
    for name in ("outside_returned", "outside_take", "outside_drop"):
        keys[name] = {"pk": returned.pk}
    keys["rule_restore"] = {"pk": version.pk}
    return World(cast, users, keys)


def client_of(user: User) -> Client:
    """Logged in; an error is an answer (500) here, so that all of them are found at once."""
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def undone(ask: Callable[[], HttpResponse]) -> HttpResponse:
    """Ask, and take back whatever it did, so that the next one asks the same world."""
    with transaction.atomic():
        answer = ask()
        transaction.set_rollback(True)
    return answer


def body(answer: HttpResponse) -> str:
    """The page without its tokens."""
    return re.sub(r"[A-Za-z0-9]{64}", "", answer.content.decode())


def listed(found: list[str]) -> str:
    return "\n" + "\n".join(found)


def ask(client: Client, method: str, url: str, data: dict[str, str] | None = None) -> HttpResponse:
    """One request; the client stays logged in, even by the way out."""
    kept = {name: morsel.value for name, morsel in client.cookies.items()}
    answer = undone(lambda: getattr(client, method)(url, data or {}))
    client.cookies = SimpleCookie(kept)
    return answer


# --- the tables ---------------------------------------------------------------------------------------------


def test_every_url_was_decided_on():
    assert sorted(MATRIX) == sorted(URLS)


def test_the_tables_keep_their_own_rules():
    """What a table must not say, whoever edits it: a key opens nothing to who has no business there."""
    for name in WITH_KEY:
        for answers in MATRIX[name]:
            by_seat = dict(zip(SEATS, answers.split(), strict=True))
            assert {by_seat[seat] for seat in ("nobody", "elsewhere", "sibling")} <= {"404", "405"}, name
    assert {name for name, entry in URLS.items() if not getattr(entry.callback, "login_required", True)} == PUBLIC


# --- by seat ------------------------------------------------------------------------------------------------


def test_every_url_answers_every_seat_as_decided(world):
    found = []
    for seat in SEATS:
        client = client_of(world.users[seat])
        for name, (by_get, by_post) in MATRIX.items():
            for method, answers in (("get", by_get), ("post", by_post)):
                answer = ask(client, method, world.url(name)).status_code
                wanted = int(answers.split()[SEATS.index(seat)])
                if answer != wanted:
                    found.append(f"{method} {name} as {seat}: {answer}, decided {wanted}")
    assert not found, listed(found)


def test_without_a_log_in_everything_leads_to_it(world, client):
    found = []
    for name in URLS.keys() - PUBLIC:
        for method in ("get", "post"):
            answer = ask(client, method, world.url(name))
            if answer.status_code != 302 or not answer["Location"].startswith(reverse("login")):
                found.append(f"{method} {name}: {answer.status_code}")
    assert not found, listed(found)


def test_a_switched_off_account_is_out_at_the_next_request(world):
    user = world.users["admin"]
    client = client_of(user)
    assert client.get(reverse("people")).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    found = [name for name in URLS.keys() - PUBLIC if ask(client, "get", world.url(name)).status_code != 302]
    assert not found, listed(found)


# --- what is foreign, and what is not there ------------------------------------------------------------------------

MISSING = {"IntConverter": 987654321, "StringConverter": "not-there", "PathConverter": "not/there"}


def test_a_foreign_object_cannot_be_told_from_one_that_is_not_there(world):
    """Same status, same page, by GET and by POST, for who has no business with the object."""
    found = []
    for seat in ("nobody", "elsewhere", "sibling"):
        client = client_of(world.users[seat])
        for name in WITH_KEY:
            missing = {
                key: world.keys[name][key] if key in ("measure", "kind", "part") else MISSING[type(converter).__name__]
                for key, converter in URLS[name].pattern.converters.items()
            }
            for method in ("get", "post"):
                foreign = ask(client, method, world.url(name))
                nothing = ask(client, method, reverse(name, kwargs=missing))
                if (foreign.status_code, body(foreign)) != (nothing.status_code, body(nothing)):
                    found.append(f"{method} {name} as {seat}: {foreign.status_code}, {nothing.status_code}")
    assert not found, listed(found)


# --- junk -------------------------------------------------------------------------------------------------------------

JUNK_KEYS = {
    "IntConverter": [0, 2**31, 2**63, 10**30],
    "PathConverter": ["\x00", "%", "..", "/", "a//b", "x" * 500, "😀"],
    "StringConverter": ["\x00", "a\x00b", "%", "'", "..", "x" * 500, "😀", "2010H9", "0000H1", "１", " "],
}
FIELDS = (
    "page q org period state status measure sort branch mine post tab duty duties on due_on held_on from_on reported_on "
    "reason text measures responsible outcome note version take form place person role organization kind to out number "
    "name target target_org target_person reviewer acting reviewer_org about_org problem carry_from next code plan "
    "member_count reviewer_kind reach joint clause previewed do feedback_due_on correction_note scope rule level file new_root members numbers parts choice-0 other-0 drawn begin edit approved_by "
    "col view open way count type category relation window head life placed leader find"
).split()
JUNK_VALUES = ["\x00", "-1", "9" * 40, "2010-13-45", "'\"<script>", "😀" * 300, "null", "2010H2", "[]"]


def is_sound(answer: HttpResponse) -> bool:
    return answer.status_code < 500


@pytest.mark.parametrize("seat", ["secretary", "admin"])
def test_a_junk_key_is_never_an_error(world, seat):
    client = client_of(world.users[seat])
    found = []
    for name in WITH_KEY:
        for key, converter in URLS[name].pattern.converters.items():
            for junk in JUNK_KEYS[type(converter).__name__]:
                url = reverse(name, kwargs=world.keys[name] | {key: junk})
                for method in ("get", "post"):
                    if not is_sound(ask(client, method, url)):
                        found.append(f"{method} {url} as {seat}")
    assert not found, listed(found)


@pytest.mark.parametrize("seat", ["secretary", "admin"])
def test_junk_in_the_query_or_the_form_is_never_an_error(world, seat):
    client = client_of(world.users[seat])
    found = []
    for name in URLS:
        for junk in JUNK_VALUES:
            for method in ("get", "post"):
                if not is_sound(ask(client, method, world.url(name), dict.fromkeys(FIELDS, junk))):
                    found.append(f"{method} {name} as {seat} with {junk!r}")
    assert not found, listed(found)
