"""方案: which are there, which is active, and what switching would meet. Administrators only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs.errors import DomainError
from orgs.models import Scheme
from orgs.requests import UserRequest
from orgs.views.imports import administrators_only
from reviews import schemes, vocabulary
from reviews.models import Grade, GradeOf, OfferedForm
from reviews.rule_forms import GradeForm, SwitchesForm, WordForm, WordsForm, lines_of
from reviews.rule_versions import switches_of
from reviews.views import rules


@administrators_only
@require_safe
def scheme_list(request: UserRequest) -> HttpResponse:
    """Every scheme with what stands in its way, and those that can be added."""
    found = Scheme.objects.order_by("-is_active", "code").prefetch_related("forms", "grades")
    rows = [schemes.switch(scheme) for scheme in found]
    return render(request, "reviews/schemes.html", {"rows": rows, "to_add": schemes.to_add()})


@administrators_only
@require_POST
def scheme_add(request: UserRequest) -> HttpResponse:
    """新增方案: one that ships with the software."""
    code = request.POST.get("code", "")[:50].replace("\x00", "")
    try:
        added = schemes.add(code, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"已新增方案“{added}”，还没有启用。")
    return redirect("schemes")


@administrators_only
@require_POST
def scheme_activate(request: UserRequest, pk: int) -> HttpResponse:
    """启用方案, where no organisation is in the way."""
    try:
        made = schemes.activate(get_object_or_404(Scheme, pk=pk), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"已启用方案“{made}”。")
    return redirect("schemes")


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def scheme_switches(request: UserRequest, pk: int) -> HttpResponse:
    """方案设置: first what it would do, then saving exactly that."""
    scheme = get_object_or_404(Scheme, pk=pk)
    form = SwitchesForm(request.POST if request.method == "POST" else None, initial=switches_of(scheme)._asdict())
    context: dict[str, Any] = {"scheme": scheme, "form": form, "kept": schemes.kept_otherwise(scheme)}
    if request.method == "POST" and form.is_valid():
        is_changed = form.wanted() != switches_of(scheme)
        context |= {"is_previewed": True, "is_changed": is_changed, "digest": form.digest()}
        try:
            if is_changed and request.POST.get("do") == "save" and request.POST.get("previewed") == form.digest():
                schemes.change_switches(scheme, form.wanted(), reason=form.cleaned_data["reason"], by=request.user)
                return rules.saved(request, f"方案“{scheme}”的设置", "schemes")
        except schemes.SchemeRefused as refusal:
            form.mark("reason", str(refusal))
        found = schemes.preview_switches(scheme, form.wanted(), by=request.user) if is_changed else []
        context |= rules.shown(found)
    return render(request, "reviews/scheme_switches.html", context)


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def scheme_forms(request: UserRequest, pk: int) -> HttpResponse:
    """点评形式: rename, reorder, switch off, add."""
    return _words(request, get_object_or_404(Scheme, pk=pk), OfferedForm, WordForm)


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def scheme_grades(request: UserRequest, pk: int) -> HttpResponse:
    """评定等次: of whom, which, and how many at most."""
    return _words(request, get_object_or_404(Scheme, pk=pk), Grade, GradeForm)


def _words(
    request: UserRequest, scheme: Scheme, model: type[OfferedForm] | type[Grade], line_form: type[WordForm]
) -> HttpResponse:
    rows: list[OfferedForm | Grade] = list(model._default_manager.filter(scheme=scheme))
    names = [name for name in line_form.base_fields if name != "pk"]
    shown = sorted(rows, key=lambda row: (GradeOf.values.index(row.of) if isinstance(row, Grade) else 0, row.order))
    initial = [{"pk": row.pk, **{name: getattr(row, name) for name in names}} for row in shown]
    data = request.POST if request.method == "POST" else None
    lines = lines_of(line_form)(data, initial=initial, prefix="line")
    form = WordsForm(data, initial={"base": vocabulary.digest(rows)})
    is_forms = model is OfferedForm
    if request.method == "POST" and form.is_valid() and lines.is_valid():
        change = vocabulary.change_forms if is_forms else vocabulary.change_grades
        try:
            change(scheme, [each.line() for each in lines if each.cleaned_data], **form.cleaned_data, by=request.user)
        except vocabulary.VocabularyRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"“{scheme}”的{model._meta.verbose_name}已保存。")
            return redirect("schemes")
    context = {"scheme": scheme, "form": form, "lines": lines, "is_forms": is_forms, "title": model._meta.verbose_name}
    return render(request, "reviews/scheme_words.html", context)
