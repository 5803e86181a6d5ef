"""/healthz: whether this process can do its work; for load balancers and docker-compose."""

from __future__ import annotations

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

REDIS_TIMEOUT = 2  # seconds


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 "ok" when the database, and Redis where one is configured, answer; else 503, naming which does not.

    Says no more than that: anybody may ask.
    """
    failing = {}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        failing["database"] = "unreachable"
    if settings.REDIS_URL:
        try:
            redis.Redis.from_url(
                settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
            ).ping()
        except redis.RedisError:
            failing["redis"] = "unreachable"
    if failing:
        return JsonResponse(failing, status=503)
    return HttpResponse("ok", content_type="text/plain")
