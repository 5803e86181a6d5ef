"""`make bench`: the heavy parts on generated data, each beside a stated baseline measured in the same run.

    make bench                                    5,000 organisations, 100,000 members, SQLite in a temporary file
    make bench ORGS=50000 MEMBERS=1000000
    make bench DATABASE_URL=postgres://…          in a database of its own (bench_dianping), dropped afterwards
    make bench ONLY=tree                          some groups: imports,tree,generation,pages,duties,changes,coverage,exports,reminders (those that
                                                  count need what the ones before them wrote)
    make bench ONLY=growth                        coverage at 5,000 and at 665,277 organisations: minutes, only when asked

The seconds depend on the machine; the ratios hold better. A baseline that would take too long is measured on a
sample and scaled, and the table says so.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

import django

DAY = "2010-12-24"


def main() -> int:
    """Build the world, measure, print a table; 1 when a result is wrong."""
    orgs = int(os.environ.get("ORGS") or 5000)
    members = int(os.environ.get("MEMBERS") or orgs * 20)
    with tempfile.TemporaryDirectory() as directory:
        os.environ["DJANGO_SETTINGS_MODULE"] = "dianping.settings"
        os.environ |= {"TODAY": DAY, "DEBUG": "1", "LOG_LEVEL": "ERROR", "REDIS_URL": ""}
        if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
            os.environ["DATABASE_URL"] = f"sqlite:///{directory}/unused.sqlite3"
        django.setup()
        # Only now, because it reads the settings.
        measures = importlib.import_module("benchmarks.measures")
        groups = {
            "imports": measures.imports.measure,
            "tree": importlib.import_module("benchmarks.tree").measure,
            "generation": importlib.import_module("benchmarks.generation").measure,
            "duties": measures.GROUPS["duties"],
            "changes": importlib.import_module("benchmarks.changes").measure,
            "pages": importlib.import_module("benchmarks.pages").measure,
            "coverage": importlib.import_module("benchmarks.coverage").measure,
            "exports": importlib.import_module("benchmarks.exports").measure,
            "reminders": measures.GROUPS["reminders"],
            "growth": importlib.import_module("benchmarks.growth").measure,
        }
        only = [name for name in os.environ.get("ONLY", "").split(",") if name]
        if unknown := set(only) - set(groups):
            print(f"ONLY: no {', '.join(sorted(unknown))}; there are {', '.join(groups)}")
            return 2
        chosen = only or [name for name in groups if name != "growth"]
        return measures.run(orgs, members, Path(directory), {name: groups[name] for name in chosen})


if __name__ == "__main__":
    sys.exit(main())
