"""URLs."""

from django.urls import URLPattern, path

from orgs.views import accounts, home, imports, organizations, people

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("accounts/login/", accounts.LogIn.as_view(), name="login"),
    path("accounts/logout/", accounts.LogOut.as_view(), name="logout"),
    path("accounts/password/", accounts.ChangePassword.as_view(), name="password_change"),
    path("import/", imports.import_start, name="import_start"),
    path("import/template.xlsx", imports.import_template, name="import_template"),
    path("import/<int:pk>/", imports.import_preview, name="import_preview"),
    path("import/<int:pk>/confirm/", imports.import_confirm, name="import_confirm"),
    path("import/<int:pk>/recheck/", imports.import_recheck, name="import_recheck"),
    path("import/<int:pk>/errors.xlsx", imports.import_errors, name="import_errors"),
    path("orgs/", organizations.organizations, name="organizations"),
    path("orgs/<str:code>/", organizations.organization, name="organization"),
    path("people/", people.people, name="people"),
    path("people/<str:number>/", people.person, name="person"),
]
