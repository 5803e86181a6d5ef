# One image for web, worker, beat and the migration step (docker-compose.yml).
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/app
WORKDIR /app

# Packages first: this layer is built again only when the lock file changes.
COPY requirements.lock .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.lock

COPY . .
RUN useradd --system --uid 10001 --home-dir /app dianping \
    && mkdir -p /app/var/media \
    && chown -R dianping /app/var

# The static files are part of the image. DEBUG=0 gives them their hashed names; the secret is of no use elsewhere.
RUN DEBUG=0 SECRET_KEY=only-for-collectstatic-while-building-the-image ALLOWED_HOSTS=none \
    python manage.py collectstatic --noinput --verbosity 0

USER dianping
EXPOSE 8000
CMD ["gunicorn", "dianping.wsgi"]
