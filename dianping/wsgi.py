"""WSGI entry point: `gunicorn dianping.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dianping.settings")

application = get_wsgi_application()
