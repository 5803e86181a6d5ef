"""URLs."""

from django.urls import URLPattern, path

from reviews.views import (
    assignments,
    calendars,
    draws,
    duties,
    gaps,
    periods,
    records,
    rectifications,
    rounds,
    rules,
    schemes,
    why,
    work_plans,
)

urlpatterns: list[URLPattern] = [
    path("duties/", duties.my_duties, name="my_duties"),
    path("duties/why/", why.duty_why, name="duty_why"),
    path("duties/<int:pk>/", duties.duty, name="duty"),
    path("duties/<int:pk>/start/", duties.duty_start, name="duty_start"),
    path("duties/<int:pk>/exempt/", duties.duty_exempt, name="duty_exempt"),
    path("duties/<int:pk>/resume/", duties.duty_resume, name="duty_resume"),
    path("duties/<int:pk>/reassign/", duties.duty_reassign, name="duty_reassign"),
    path("duties/<int:pk>/withdraw/", assignments.duty_withdraw, name="duty_withdraw"),
    path("duties/office/", assignments.office_duties, name="office_duties"),
    path("duties/office/bulk/", assignments.duties_bulk, name="duties_bulk"),
    path("duties/assign/", assignments.duty_assign, name="duty_assign"),
    path("duties/calendar/", calendars.calendar_settings, name="calendar_settings"),
    path("duties/calendar/subscribe/", calendars.calendar_subscribe, name="calendar_subscribe"),
    path("duties/calendar/revoke/", calendars.calendar_revoke, name="calendar_revoke"),
    path("duties/calendar/duties.ics", calendars.calendar_file, name="calendar_file"),
    path("calendar/<str:token>.ics", calendars.calendar_feed, name="calendar_feed"),
    path("draws/", draws.draw_list, name="draws"),
    path("draws/new/", draws.draw_new, name="draw_new"),
    path("draws/<int:pk>/", draws.draw, name="draw"),
    path("draws/<int:pk>/run/", draws.draw_run, name="draw_run"),
    path("draws/<int:pk>/void/", draws.draw_void, name="draw_void"),
    path("draws/<int:pk>/record.xlsx", draws.draw_export, name="draw_export"),
    path("plans/", work_plans.work_plan_list, name="work_plans"),
    path("plans/new/", work_plans.work_plan_new, name="work_plan_new"),
    path("plans/missing/", work_plans.work_plans_missing, name="work_plans_missing"),
    path("plans/missing.xlsx", work_plans.work_plans_missing_file, name="work_plans_missing_file"),
    path("plans/<int:pk>/", work_plans.work_plan, name="work_plan"),
    path("plans/<int:pk>/edit/", work_plans.work_plan_edit, name="work_plan_edit"),
    *(
        path(f"plans/<int:pk>/{action}/", work_plans.work_plan_act, {"action": action}, name=f"work_plan_{action}")
        for action in work_plans.ACTIONS
    ),
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
    path("rounds/new/", rounds.round_new, name="round_new"),
    path("rounds/<str:code>/edit/", rounds.round_edit, name="round_edit"),
    path("rounds/<str:code>/close/", rounds.round_close, name="round_close"),
    path("periods/<str:code>/", periods.period, name="period"),
    path("periods/<str:code>/generate/", periods.period_generate, name="period_generate"),
    path("periods/<str:code>/duties.csv", periods.period_duties_csv, name="period_duties_csv"),
]
