"""Wiring only: settings, URLs, Celery, WSGI. Imports the applications; none of them imports it."""

from dianping.celery import app as celery_app

__all__ = ["celery_app"]
