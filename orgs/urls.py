"""URLs."""

from django.urls import URLPattern, path

from orgs.views import accounts, changes, home, imports, irregularities, organizations, people

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("accounts/login/", accounts.LogIn.as_view(), name="login"),
    path("accounts/logout/", accounts.LogOut.as_view(), name="logout"),
    path("accounts/password/", accounts.ChangePassword.as_view(), name="password_change"),
    path("orgs/", organizations.organizations, name="organizations"),
    path("orgs.xlsx", organizations.organizations_export, name="organizations_export"),
    path("orgs/<str:code>/", organizations.organization, name="organization"),
    path("orgs/<str:code>/children/", organizations.organization_children, name="organization_children"),
    path("orgs/<str:code>/members/add/", organizations.member_add, name="member_add"),
    path("orgs/<str:code>/posts/add/", organizations.post_add, name="post_add"),
    path("orgs/<str:code>/charges/add/", organizations.charge_add, name="charge_add"),
    path("orgs/<str:code>/change/", changes.change_menu, name="change_menu"),
    path("orgs/<str:code>/change/rename/", changes.change_rename, name="change_rename"),
    path("orgs/<str:code>/change/move/", changes.change_move, name="change_move"),
    path("orgs/<str:code>/change/merge/", changes.change_merge, name="change_merge"),
    path("orgs/<str:code>/change/dissolve/", changes.change_dissolve, name="change_dissolve"),
    path("posts/<int:pk>/end/", organizations.post_end, name="post_end"),
    path("charges/<int:pk>/end/", organizations.charge_end, name="charge_end"),
    path("people/", people.people_list, name="people"),
    path("people.xlsx", people.people_export, name="people_export"),
    path("people/<str:number>/", people.person, name="person"),
    path("people/<str:number>/edit/", people.person_edit, name="person_edit"),
    path("people/<str:number>/transfer/", people.person_transfer, name="person_transfer"),
    path("people/<str:number>/account/open/", people.account_open, name="account_open"),
    path("people/<str:number>/account/reset/", people.account_reset, name="account_reset"),
    path("irregularities/", irregularities.irregularities, name="irregularities"),
    path("import/", imports.import_start, name="import_start"),
    path("import/template.xlsx", imports.import_template, name="import_template"),
    path("import/<int:pk>/", imports.import_preview, name="import_preview"),
    path("import/<int:pk>/confirm/", imports.import_confirm, name="import_confirm"),
    path("import/<int:pk>/progress/", imports.import_progress, name="import_progress"),
    path("import/<int:pk>/cancel/", imports.import_cancel, name="import_cancel"),
    path("import/<int:pk>/recheck/", imports.import_recheck, name="import_recheck"),
    path("import/<int:pk>/errors.xlsx", imports.import_errors, name="import_errors"),
]
