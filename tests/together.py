"""Several hands at once: jobs in threads of their own, released by one barrier."""

from __future__ import annotations

import threading

from django.db import connection


def together(*jobs):
    """Run each job in a thread of its own, released by one barrier; returns the errors."""
    barrier = threading.Barrier(len(jobs))
    errors: list[Exception] = []

    def run(job):
        try:
            barrier.wait(10)
            job()
        except Exception as error:  # noqa: BLE001 - handed to the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors
