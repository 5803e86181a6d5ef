"""The Celery application: `celery -A dianping worker`, `celery -A dianping beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dianping.settings")

app = Celery("dianping")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
