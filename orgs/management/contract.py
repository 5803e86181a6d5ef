"""Commands as contracts.md section 2 has them: 0 done, 1 refused (with what to mend), 2 wrong call; in Chinese."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

# What argparse says in English, and how it reads in Chinese.
SAYINGS = (
    (r"the following arguments are required: (.*)", r"缺少参数：\1"),
    (r"unrecognized arguments: (.*)", r"不认识的参数：\1"),
    (r"argument (\S+): expected one argument", r"参数 \1 后面要有一个值"),
    (r"argument (\S+): expected at least one argument", r"参数 \1 后面至少要有一个值"),
    (r"argument (\S+): invalid choice: (.+?) \(choose from (.*)\)", r"参数 \1 不能是 \2，只能是 \3"),
    (r"argument (\S+): invalid \S+ value: (.*)", r"参数 \1 的值不对：\2"),
    (r"argument (\S+): not allowed with argument (\S+)", r"参数 \1 不能与 \2 一起使用"),
    (r"ambiguous option: (\S+) could match (.*)", r"参数 \1 不明确，可能是 \2"),
    (r"argument (\S+): (.*)", r"参数 \1：\2"),
)


def in_chinese(message: str) -> str:
    """argparse's message in Chinese; one that is not known keeps its words."""
    for pattern, saying in SAYINGS:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match:
            return match.expand(saying)
    return message


class Parser(CommandParser):
    """Says in Chinese what is wrong with the call, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """As argparse does, also when called from Python: a wrong call is a wrong call."""
        usage = self.format_usage().replace("usage:", "用法：", 1)
        if not self.called_from_command_line:
            raise CommandError(f"调用有误：{in_chinese(message)}", returncode=2)
        self.exit(2, f"{usage}调用有误：{in_chinese(message)}\n")


class ContractCommand(BaseCommand):
    """Base of the contracted commands."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser of this command, in Chinese."""
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        parser = Parser(
            prog=f"{prog_name} {subcommand}",
            description=self.help or None,
            called_from_command_line=getattr(self, "_called_from_command_line", None),
            **kwargs,
        )
        self.add_base_argument(parser, "--version", action="version", version=self.get_version(), help="版本")
        self.add_base_argument(parser, "-v", "--verbosity", default=1, type=int, choices=[0, 1, 2, 3], help="详细程度")
        self.add_base_argument(parser, "--settings", help="设置模块")
        self.add_base_argument(parser, "--pythonpath", help="加入 Python 路径的目录")
        self.add_base_argument(parser, "--traceback", action="store_true", help="出错时显示调用栈")
        self.add_base_argument(parser, "--no-color", action="store_true", help="不用颜色")
        self.add_base_argument(parser, "--force-color", action="store_true", help="强制用颜色")
        self.add_base_argument(parser, "--skip-checks", action="store_true", help="跳过系统检查")
        self.add_arguments(parser)
        return parser

    def refuse(self, lines: Iterable[object]) -> NoReturn:
        """Exit status 1: what is wrong, one problem a line, on standard error."""
        self._leave(1, lines)

    def wrong_call(self, line: str) -> NoReturn:
        """Exit status 2: the command was called wrongly."""
        self._leave(2, [line])

    def _leave(self, status: int, lines: Iterable[object]) -> NoReturn:
        text = "\n".join(str(line) for line in lines)
        if text:
            self.stderr.write(text)
        sys.exit(status)
