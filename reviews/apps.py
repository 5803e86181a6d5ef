from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"
    verbose_name = "领导点评"

    def ready(self) -> None:
        """Hang on the register of consequences: duties and figures follow what happens to organisations."""
        from orgs import changes  # noqa: PLC0415 - models exist only now
        from reviews import consequences  # noqa: PLC0415

        changes.change_done.append(consequences.follow)
        changes.previews.append(consequences.look)
        changes.estimates.append(consequences.estimate)
        changes.removals.append(consequences.forget)
