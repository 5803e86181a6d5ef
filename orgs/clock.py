"""What day it is. Everything asks here, so that a demonstration or a training day can stand still."""

import datetime

from django.conf import settings
from django.utils import timezone


def today() -> datetime.date:
    """The local day (TIME_ZONE); the setting TODAY fixes it."""
    if settings.TODAY:
        return datetime.date.fromisoformat(settings.TODAY)
    return timezone.localdate()
