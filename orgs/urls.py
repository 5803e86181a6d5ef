"""URLs."""

from django.urls import URLPattern, path

from orgs.views import imports

urlpatterns: list[URLPattern] = [
    path("import/", imports.import_start, name="import_start"),
    path("import/template.xlsx", imports.import_template, name="import_template"),
    path("import/<int:pk>/", imports.import_preview, name="import_preview"),
    path("import/<int:pk>/confirm/", imports.import_confirm, name="import_confirm"),
    path("import/<int:pk>/recheck/", imports.import_recheck, name="import_recheck"),
    path("import/<int:pk>/errors.xlsx", imports.import_errors, name="import_errors"),
]
