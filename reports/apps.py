from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reports"
    verbose_name = "统计与报表"

    def ready(self) -> None:
        """Hang on the register of consequences: a moved organisation takes its sums along."""
        from orgs import changes  # noqa: PLC0415 - models exist only now
        from reports import coverage  # noqa: PLC0415

        changes.tree_changed.append(coverage.moved)
        changes.removals.append(coverage.forget)
