"""The page behind a one-time link: a unit outside the system fills in its form without an account, and sends it once.

The address with the secret only opens: it leads on to an address without it, which this browser may use from then on. So
the secret stands in no referrer and in no address that is shown, copied or printed later. (Under `no-referrer` browsers
send `Origin: null`, which the protection against forged requests refuses: the form itself keeps to `same-origin`.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from orgs import clock
from orgs.errors import DomainError
from reports.annexes import one
from reports.annexes.one import MEASURES, Numbers
from reports.models import OutsideIssue
from reports.outside import figures, issues
from reports.outside.figures import MOST, Answer, Line

OPENED = "opened_links"  # in the session: the links that this browser has shown the secret of
WHO = {"username": "一次性链接"}  # under which wrong secrets are counted, as wrong passwords are under a user name
KEPT = 20
PARTS = [*(f"due_{at}" for at in range(3)), *(f"new_{at}" for at in range(3))]
View = Callable[..., HttpResponse]


def _apart(view: View) -> View:
    """Found by no search engine, kept by no cache."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = view(request, *args, **kwargs)
        answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return answer

    return never_cache(answered)


class FillForm(forms.Form):
    """Who fills it in, and why 累计 went down where it did."""

    sender = forms.CharField(
        label="填报人",
        max_length=issues.SENDER_LENGTH,
        widget=forms.TextInput(attrs={"class": "form-control"}),
        error_messages={"required": "请填写填报人姓名。"},
    )
    note = forms.CharField(
        label=figures.CORRECTION,
        required=False,
        max_length=figures.NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2, "class": "form-control"}),
        help_text="新增填了负数（累计减少）时必填",
    )


class LineForm(forms.Form):
    """A line: 应 and 新增; of an added one the name too. An added line that is empty is none."""

    name = forms.CharField(
        label="单位名称",
        required=False,
        max_length=figures.NAME_LENGTH,
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )

    def __init__(self, line: Line | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line = line
        for part in PARTS:
            is_due = part.startswith("due")
            word = f"{'应点评' if is_due else '新增'}{MEASURES[int(part[-1])]}"
            self.fields[part] = forms.IntegerField(
                label=word,
                required=False,
                min_value=0 if is_due else -MOST,
                max_value=MOST,
                widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "form-control num"}),
                error_messages={
                    "invalid": f"{word}请填写整数。",
                    "min_value": f"{word}不能小于 0。",
                    "max_value": f"{word}数字过大，请核对。",
                },
            )
        if line is not None:
            del self.fields["name"]

    @property
    def last(self) -> Numbers:
        """The last accepted 累计."""
        return self.line.done if self.line else Numbers()

    @property
    def columns(self) -> list[tuple[str, Any, int, Any]]:
        """For each measure: its word, the field of 应, the last 累计, the field of 新增."""
        return [(word, self[f"due_{at}"], self.last.each[at], self[f"new_{at}"]) for at, word in enumerate(MEASURES)]

    @property
    def is_unused(self) -> bool:
        """An added line with nothing in it."""
        return self.line is None and not any(self.data.get(self.add_prefix(part), "").strip() for part in self.fields)

    def answer(self, taken: list[str]) -> Answer | None:
        """What was filled in; None where something is wrong, which then stands at its field."""
        name = self.line.name if self.line else figures.tidy_name(self.cleaned_data.get("name", ""))
        if self.line is None:
            problem = figures.name_problem(name, taken)
            if problem and "name" not in self.errors:
                self.add_error("name", f"{problem}。")
            taken.append(name)
        for part in PARTS:
            if part not in self.errors and self.cleaned_data.get(part) is None:
                self.add_error(part, "没有填，没有的请填 0。")
        if self.errors:
            return None
        due, new = (Numbers(*(self.cleaned_data[f"{group}_{at}"] for at in range(3))) for group in ("due", "new"))
        for at, what in figures.excess(due, new, self.last):
            self.add_error(f"new_{at}", f"{what}。")
        return Answer(name, due, new) if not self.errors else None


@login_not_required
@_apart
@require_safe
def fill_open(request: HttpRequest, token: str) -> HttpResponse:
    """The address that was sent: from here on this browser may fill in the form. A wrong one is counted."""
    if not AxesProxyHandler.is_allowed(request, WHO):
        return _closed(request, "打开了太多次不存在的链接，请过一刻钟再试。", 429)
    if "\0" in token:
        raise Http404  # no address of ours, and nothing that could be written down
    issue = issues.whose(token)
    if issue is None:
        AxesProxyHandler.user_login_failed(__name__, WHO, request)
        vars(request)["axes_locked_out"] = False  # said here, not by the page for passwords
        return _closed(request, "没有这个链接。请核对地址是不是复制完整，或向上级办公室索取新的链接。", 404)
    issues.opened(issue)
    known = [pk for pk in request.session.get(OPENED, []) if pk != issue.pk]
    request.session[OPENED] = [*known[-KEPT + 1 :], issue.pk]
    answer = redirect("fill_in", issue.pk)
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _closed(request: HttpRequest, message: str, status: int) -> HttpResponse:
    answer = render(request, "reports/fill_closed.html", {"message": message}, status=status)
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@login_not_required
@_apart
@require_http_methods(["GET", "HEAD", "POST"])
def fill_in(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of one unit; after it was sent, the receipt."""
    issue = issues.link(pk) if pk in request.session.get(OPENED, []) else None
    if issue is None:
        raise Http404
    if issue.received_at is not None:
        return _receipt(request, issue)
    why_not = issues.hindrance(issue)
    if why_not:
        return render(request, "reports/fill_closed.html", {"message": f"{why_not}。"}, status=410)
    data = request.POST if request.method == "POST" else None
    form = FillForm(data)
    lines = issues.lines(issue)
    line_forms = [
        LineForm(line, data, prefix=f"line{at}", initial=_initial(line))
        for at, line in enumerate([*lines, *[None] * figures.EXTRA])
    ]
    if data is not None and _sent(issue, form, line_forms):
        return redirect("fill_in", issue.pk)
    context = {
        "issue": issue,
        "measures": MEASURES,
        "today": clock.today(),
        "form": form,
        "lines": line_forms[: len(lines)],
        "extra": line_forms[len(lines) :],
        "extra_used": data is not None and not all(extra.is_unused for extra in line_forms[len(lines) :]),
    }
    return render(request, "reports/fill_in.html", context, status=200 if data is None else 400)


def _initial(line: Line | None) -> dict[str, int]:
    """应 as last reported."""
    return {f"due_{at}": value for at, value in enumerate(line.due.each)} if line and line.due else {}


def _sent(issue: OutsideIssue, form: FillForm, line_forms: list[LineForm]) -> bool:
    """Check and send; what is wrong stands at its field, or above the form."""
    used = [line for line in line_forms if not line.is_unused]
    taken = [line.line.name for line in line_forms if line.line]
    is_valid = form.is_valid()
    for line in used:
        line.full_clean()
    answers = [line.answer(taken) for line in used]
    complete = [answer for answer in answers if answer is not None]
    if len(complete) < len(answers) or not is_valid:
        return False
    problem = figures.correction_problem(complete, form.cleaned_data["note"])
    if problem:
        form.add_error("note", f"{problem}。")
        return False
    try:
        issues.send(issue, complete, note=form.cleaned_data["note"], sender=form.cleaned_data["sender"])
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


def _receipt(request: HttpRequest, issue: OutsideIssue) -> HttpResponse:
    """What was sent, as it was sent, to be printed."""
    context = {"issue": issue, "report": issue.report, "sheet": one.of_report(issue.report) if issue.report else None}
    return render(request, "reports/fill_receipt.html", context)
