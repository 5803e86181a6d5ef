"""URLs."""

from django.urls import URLPattern, path

from reviews.views import duties, gaps, periods, records, rectifications, rules, schemes, why

urlpatterns: list[URLPattern] = [
    path("duties/", duties.my_duties, name="my_duties"),
    path("duties/why/", why.duty_why, name="duty_why"),
    path("duties/<int:pk>/", duties.duty, name="duty"),
    path("duties/<int:pk>/start/", duties.duty_start, name="duty_start"),
    path("duties/<int:pk>/exempt/", duties.duty_exempt, name="duty_exempt"),
    path("duties/<int:pk>/resume/", duties.duty_resume, name="duty_resume"),
    path("duties/<int:pk>/reassign/", duties.duty_reassign, name="duty_reassign"),
    path("records/", records.record_list, name="records"),
    path("records/new/", records.record_new, name="record_new"),
    path("records/<int:pk>/", records.record, name="record"),
    path("records/<int:pk>/edit/", records.record_edit, name="record_edit"),
    path("records/<int:pk>/autosave/", records.record_autosave, name="record_autosave"),
    path("records/<int:pk>/confirm/", records.record_confirm, name="record_confirm"),
    path("records/<int:pk>/done/", records.record_done, name="record_done"),
    path("records/<int:pk>/discard/", records.record_discard, name="record_discard"),
    path("records/<int:pk>/due/", records.record_set_due, name="record_set_due"),
    *(
        path(f"records/<int:pk>/{action}/", records.record_act, {"action": action}, name=f"record_{action}")
        for action in records.ACTIONS
    ),
    path("rectifications/", rectifications.rectification_list, name="rectifications"),
    path("rectifications/<int:pk>/", rectifications.rectification, name="rectification"),
    *(
        path(
            f"rectifications/<int:pk>/{action}/",
            rectifications.rectification_act,
            {"action": action},
            name=f"rectification_{action}",
        )
        for action in rectifications.ACTIONS
    ),
    path("gaps/", gaps.gap_list, name="gaps"),
    path("gaps/accept/", gaps.gap_accept, name="gap_accept"),
    path("gaps/<int:pk>/withdraw/", gaps.gap_withdraw, name="gap_withdraw"),
    path("rules/", rules.rule_list, name="rules"),
    path("schemes/", schemes.scheme_list, name="schemes"),
    path("schemes/add/", schemes.scheme_add, name="scheme_add"),
    path("schemes/<int:pk>/activate/", schemes.scheme_activate, name="scheme_activate"),
    path("rules/new/", rules.rule_new, name="rule_new"),
    path("rules/<int:pk>/", rules.rule_edit, name="rule_edit"),
    path("rules/<int:pk>/versions/", rules.rule_versions, name="rule_versions"),
    path("rules/versions/<int:pk>/restore/", rules.rule_restore, name="rule_restore"),
    path("periods/", periods.periods, name="periods"),
    path("periods/<str:code>/", periods.period, name="period"),
    path("periods/<str:code>/generate/", periods.period_generate, name="period_generate"),
    path("periods/<str:code>/duties.csv", periods.period_duties_csv, name="period_duties_csv"),
]
