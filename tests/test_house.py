"""What can be held of the house's rules (docs/architecture.md): each test names the rule and the place that breaks it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation

ROOT = Path(__file__).resolve().parents[1]
APPS = ["orgs", "reviews", "reports"]
CHINESE = re.compile("[\u4e00-\u9fff]")

# Views that anybody may see. Each was looked at: log-in, the health check that says nothing of the data, and what is
# there for who has its secret address: the calendar, and the form of a unit outside the system.
PUBLIC = {"login", "healthz", "calendar_feed", "fill_open", "fill_in"}
# The scheme and the calendar are no secrets: they are the same for everybody.
FOR_EVERYBODY = {"Scheme", "Category", "Period", "Rule", "RuleSelector", "RuleVersion", "ChecklistPoint"}
# The words by which a selection says for whom it is.
SCOPED = re.compile(
    r"\b(visible_to|editable_by|readable_text_by|decidable_by|of_person|of_leaders|works_for|scope\.\w+|record_scope\.\w+)\("
)
# Functions of views that begin at the model and hang on rows that were fetched within the scope; each was looked at.
UNSCOPED_BUT_REVIEWED = {
    "reviews/views/duties.py _record",  # a subquery of duties already selected
    "reviews/views/duties.py add_partners",  # the other half of joint duties that are shown
    "reports/views/reports.py _children",  # children of an organisation that is visible, for its sums
}
# Only these know how the tree is numbered (the model declares the columns' indexes and constraints).
NUMBERING = {
    *(f"orgs/tree/{name}.py" for name in ("nodes", "numbering", "placing", "proof", "repairing", "writing")),
    "orgs/scope.py",
    "orgs/querysets.py",
    "orgs/models/organization.py",
}
# The clock itself; and the check that nothing is dated in the real future while the clock stands still.
MAY_ASK_THE_REAL_DAY = {"orgs/clock.py", "reviews/drafts.py"}
WRITES = {
    "save",
    "create",
    "delete",
    "update",
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
    "acreate",
    "asave",
}


def modules(*patterns: str) -> Iterator[tuple[str, ast.Module]]:
    """Path and syntax tree of the project's modules."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/migrations/" not in name and (not patterns or any(re.search(pattern, name) for pattern in patterns)):
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def imported_names(tree: ast.Module) -> set[str]:
    """Names that an import binds."""
    return {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


def listed(found: list[str]) -> str:
    """Every place, one a line."""
    return "\n" + "\n".join(found)


def models():
    return [model for app in APPS for model in apps.get_app_config(app).get_models()]


# --- rooms and doors -------------------------------------------------------------------------------------


def test_imports_point_one_way():
    result = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_there_is_no_drawer_for_everything():
    drawers = {"services.py", "utils.py", "helpers.py", "common.py", "misc.py"}
    assert [name for name, _ in modules() if name.rsplit("/", 1)[-1] in drawers] == []


def test_nothing_happens_by_signal_or_overridden_save():
    found = []
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and "signals" in (node.module or ""):
                found.append(f"{name}:{node.lineno} imports signals")
            if isinstance(node, ast.FunctionDef) and node.name == "save" and "/models/" in name:
                found.append(f"{name}:{node.lineno} overrides save()")
    assert not found, listed(found)


def test_only_the_tree_and_the_scope_know_the_numbering():
    found = []
    for name, tree in modules():
        if name in NUMBERING:
            continue
        for node in ast.walk(tree):
            words = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 80:
                words = node.value
            if re.search(r"(\b|_)(lft|rght)(\b|_)", words):
                found.append(f"{name}:{node.lineno}")
    found += [path.name for path in templates() if re.search(r"\b(lft|rght)\b", path.read_text(encoding="utf-8"))]
    assert not found, listed(found)


def test_only_the_clock_knows_what_day_it_is():
    found = []
    for name, tree in modules():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("today", "localdate")
                and ast.unparse(node.func) != "clock.today"
                and name not in MAY_ASK_THE_REAL_DAY
            ):
                found.append(f"{name}:{node.lineno} {ast.unparse(node)}")
    assert not found, listed(found)


# --- views -----------------------------------------------------------------------------------------------------


def test_views_do_not_write():
    """A verb writes; a view fetches, asks a form, calls the verb, redirects."""
    found = []
    for name, tree in modules("/views/"):
        doors = imported_names(tree)
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES):
                continue
            receiver = node.func.value
            if isinstance(receiver, ast.Name) and (receiver.id in doors or node.func.attr == "update"):
                continue  # a verb of an imported module, or a plain dictionary
            found.append(f"{name}:{node.lineno} {ast.unparse(node.func)}")
    assert not found, listed(found)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef))


def test_views_select_within_the_users_scope():
    """A function that begins at `Model.objects` says in the same breath whose; no bare model is fetched or a 404."""
    ours = {model.__name__ for model in models()} - FOR_EVERYBODY
    found = []
    for name, tree in modules("/views/"):
        for function in functions(tree):
            text = ast.unparse(function)
            bare = re.findall(rf"\b(?:{'|'.join(sorted(ours))})\.objects\b(?!\.none)", text)
            if bare and not SCOPED.search(text) and f"{name} {function.name}" not in UNSCOPED_BUT_REVIEWED:
                found.append(f"{name}:{function.lineno} {function.name}: {', '.join(bare)}")
            found += [
                f"{name}:{node.lineno} {ast.unparse(node)}"
                for node in ast.walk(function)
                if isinstance(node, ast.Call)
                and ast.unparse(node.func) in ("get_object_or_404", "get_list_or_404")
                and ast.unparse(node.args[0]) in ours
            ]
    assert not found, listed(found)


OTHERS = {"admin", "ninja"}  # tested by themselves: below, and in tests/reports/test_api.py


def named_urls(resolver=None) -> Iterator[tuple[str, URLPattern]]:
    """Every named URL outside the admin and the API."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            if entry.app_name not in OTHERS:
                yield from named_urls(entry)
        elif entry.name:
            yield entry.name, entry


def test_every_page_but_the_reviewed_ones_wants_a_log_in():
    public = {name for name, entry in named_urls() if not getattr(entry.callback, "login_required", True)}
    assert public == PUBLIC


def test_every_page_has_a_name():
    def nameless(resolver):
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                if entry.app_name not in OTHERS:
                    yield from nameless(entry)
            elif not entry.name:
                yield str(entry.pattern)

    assert list(nameless(get_resolver())) == []


SAMPLES = {"IntConverter": 1, "StringConverter": "x", "SlugConverter": "x", "PathConverter": "x"}


@pytest.mark.django_db
def test_nobody_gets_further_than_the_log_in(client):
    """Asked for real, with made-up arguments: what is not there cannot be told from what is."""
    found = []
    for name, entry in named_urls():
        if name in PUBLIC:
            continue
        samples = {key: SAMPLES[type(value).__name__] for key, value in entry.pattern.converters.items()}
        url = reverse(name, kwargs=samples)
        for method in (client.get, client.post):
            answer = method(url)
            if answer.status_code != 302 or not answer["Location"].startswith(reverse("login")):
                found.append(f"{method.__name__} {url}: {answer.status_code}")
    assert not found, listed(found)


@pytest.mark.django_db
@pytest.mark.parametrize("model", [model for model in models() if model in admin.site._registry], ids=str)
def test_the_admin_wants_a_log_in_and_a_right(client, cast, as_user, model):
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for browser in (client, as_user(cast.user["secretary"])):
        answer = browser.get(url)
        assert answer.status_code == 302
        assert answer["Location"].split("?")[0] in (reverse("login"), reverse("admin:login"))


# --- models -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", models(), ids=lambda model: model._meta.label)
def test_every_model_says_what_it_is_in_both_languages(model):
    with translation.override("zh-hans"):
        assert CHINESE.search(str(model._meta.verbose_name))
        assert str(model._meta.verbose_name_plural) == str(model._meta.verbose_name), "Chinese has no plural"
        for field in model._meta.fields:
            numbering = field.name in ("lft", "rght", "tree_id", "level")
            if field.model is model and not field.primary_key and not numbering and not model._meta.proxy:
                assert CHINESE.search(str(field.verbose_name)), f"{field} has no Chinese name"
    assert model.__doc__, "no docstring"
    assert not model.__doc__.startswith(f"{model.__name__}("), "no docstring of its own"


# --- code ----------------------------------------------------------------------------------------------------------


def test_every_public_function_says_what_it_promises():
    found = []
    for name, tree in modules():
        if name.endswith(("__init__.py", "apps.py")):
            continue
        if not ast.get_docstring(tree):
            found.append(f"{name} (the module)")
        found += [
            f"{name}:{node.lineno} {node.name}"
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and node.name != "Command"  # says it in `help`
            and not ast.get_docstring(node)
        ]
    assert not found, listed(found)


# --- templates -------------------------------------------------------------------------------------------------------

FORBIDDEN_IN_TEMPLATES = {
    "a style attribute": r"\sstyle\s*=",
    "a style element": r"<style\b",
    "an inline script": r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*\btype=\"application/json\")",
    "an event attribute": r"<[^>]*\son[a-z]+\s*=",
    "a javascript: link": r"javascript:",
    "something from outside": r"(?:src|href)\s*=\s*[\"'](?:https?:)?//",
}


@pytest.mark.parametrize("what", FORBIDDEN_IN_TEMPLATES)
def test_no_template_breaks_the_content_security_policy(what):
    pattern = re.compile(FORBIDDEN_IN_TEMPLATES[what], re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)!r}"
        for path in templates()
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found, listed(found)


def test_every_form_that_changes_something_carries_its_token():
    found = []
    for path in templates():
        for form in re.findall(
            r"<form\b[^>]*method\s*=\s*[\"']post[\"'].*?</form>", path.read_text(encoding="utf-8"), re.I | re.S
        ):
            if "csrf_token" not in form:
                found.append(str(path.relative_to(ROOT)))
    assert not found, listed(found)
