"""import_orgs as contracted: what it prints, what it leaves, its exit statuses."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from openpyxl import load_workbook

from orgs.management.contract import in_chinese
from orgs.models import AuditEvent, Organization
from tests.orgs.books import TREE, book

ROOT = Path(__file__).resolve().parents[2]
WRONG = [*TREE, ("9", "甲支部", "党支部", "机关内设机构", "0019", None)]


@pytest.fixture
def file(tmp_path):
    def made(data: bytes, name: str = "a.xlsx") -> str:
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return made


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as left:
        return int(left.code or 0), out.getvalue(), err.getvalue()
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), err.getvalue()


@pytest.mark.django_db
def test_it_prints_a_line_a_sheet_and_imports(file):
    path = file(book(TREE, [("P1", "张三", "011")]))
    assert run("import_orgs", path) == (
        0, "组织: 新增 4, 更新 0, 未变 0, 错误 0\n人员: 新增 1, 更新 0, 未变 0, 错误 0\n", "",
    )  # fmt: skip
    assert Organization.objects.count() == 4
    assert AuditEvent.objects.filter(verb="新增组织").count() == 4
    assert run("import_orgs", path)[1].startswith("组织: 新增 0, 更新 0, 未变 4, 错误 0\n")


@pytest.mark.django_db
def test_a_dry_run_writes_nothing(file):
    status, out, _ = run("import_orgs", file(book(TREE)), "--dry-run")
    assert (status, out) == (0, "组织: 新增 4, 更新 0, 未变 0, 错误 0\n")
    assert not Organization.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_wrong_rows_are_refused_one_problem_a_line(file, dry):
    status, out, err = run("import_orgs", file(book(WRONG)), *dry)
    assert status == 1
    assert out == "组织: 新增 4, 更新 0, 未变 0, 错误 1\n"
    assert err == '组织!6 上级代码: 找不到组织 "0019"，是否指 "001"（示例局党组）？\n'
    assert not Organization.objects.exists()


@pytest.mark.django_db
def test_errors_go_into_a_workbook(file, tmp_path):
    out = tmp_path / "errors.xlsx"
    run("import_orgs", file(book(WRONG)), "--errors", str(out))
    rows = list(load_workbook(out).active.iter_rows(values_only=True))
    assert rows[1][:4] == ("错误", "组织", 6, "上级代码")
    assert rows[1][4].startswith('找不到组织 "0019"')
    assert rows[1][5:] == ("0019", "先在本表中添加这个上级，或改正代码")


@pytest.mark.django_db
def test_what_is_meant_can_be_said(file):
    rows = [
        (1, "甲局党组", "党组", "直属检验检疫局", None, None),
        (2, "乙局党组", "党组", "直属检验检疫局", None, None),
    ]
    assert run("import_orgs", file(book(rows)))[0] == 1
    assert run("import_orgs", file(book(rows)), "--new-root")[0] == 1
    assert run("import_orgs", file(book(rows)), "--new-root", "--numeric-codes")[0] == 0
    assert set(Organization.objects.values_list("code", flat=True)) == {"1", "2"}


@pytest.mark.django_db
def test_a_file_refused_whole_is_exit_1_with_a_sentence(file):
    status, out, err = run("import_orgs", file(b"%PDF-1.4"))
    assert (status, out, err) == (1, "", "a.xlsx: 这是 PDF 文件，不是电子表格。\n")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.xlsx"], "找不到文件"),
        (["."], "不是文件"),
        ([], "缺少参数：FILE"),
        (["a.xlsx", "--unheard-of"], "不认识的参数：--unheard-of"),
        (["a.xlsx", "--errors"], "参数 --errors 后面要有一个值"),
    ],
)
def test_a_wrong_call_is_exit_2_in_chinese(arguments, words):
    status, _, err = run("import_orgs", *arguments)
    assert status == 2
    assert words in err


@pytest.mark.django_db
def test_errors_must_be_an_xlsx_in_a_place_that_exists(file, tmp_path):
    path = file(book(TREE))
    assert run("import_orgs", path, "--errors", str(tmp_path / "a.txt"))[0] == 2
    assert run("import_orgs", path, "--errors", str(tmp_path / "no" / "a.xlsx"))[0] == 2
    assert not Organization.objects.exists()


def test_the_exit_status_is_the_process_s():
    """Called as users call it."""
    for arguments, status, words in (
        (["nowhere.xlsx"], 2, "找不到文件"),
        (["--unheard-of"], 2, "调用有误"),
    ):
        done = subprocess.run(
            [sys.executable, "manage.py", "import_orgs", *arguments],
            cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "DATABASE_URL": "sqlite://:memory:"},
        )  # fmt: skip
        assert (done.returncode, words in done.stderr) == (status, True), done.stderr


def test_what_argparse_says_is_translated():
    assert in_chinese("argument --on: invalid date value: 'x'") == "参数 --on 的值不对：'x'"
    assert in_chinese("something new") == "something new"


@pytest.mark.django_db
def test_the_sent_sheets_come_back_with_the_wrong_cells_marked(file, tmp_path):
    out = tmp_path / "errors.xlsx"
    run("import_orgs", file(book([*WRONG, (8, "=1+1", "党支部", "机关内设机构", "01", None)])), "--errors", str(out))
    sheet = load_workbook(out)["组织"]
    assert sheet["G1"].value == "错误"
    assert sheet["A2"].value == "001"
    assert sheet["E6"].value == "0019"
    assert sheet["E6"].fill.start_color.rgb == "00F4B6B0"
    assert '找不到组织 "0019"' in sheet["E6"].comment.text
    assert '上级代码：找不到组织 "0019"' in sheet["G6"].value
    assert sheet["A6"].comment is None
    assert sheet["A7"].value == 8
    assert "开头的 0 可能已经丢失" in sheet["A7"].comment.text
    assert sheet["G2"].value is None
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    again = run("import_orgs", str(out), "--dry-run")
    assert '组织!6 上级代码: 找不到组织 "0019"' in again[2]
