from django.db import migrations
from django.db.models import F

VOIDED = "作废点评"


def take_days_from_the_trail(apps, schema_editor):
    """When a record was voided stood in the audit trail only; where even that is missing it never counted."""
    Record = apps.get_model("reviews", "Record")
    AuditEvent = apps.get_model("orgs", "AuditEvent")
    bare = Record.objects.filter(state="voided", voided_at__isnull=True)
    for pk in list(bare.values_list("pk", flat=True)):
        event = AuditEvent.objects.filter(verb=VOIDED, model="reviews.record", object_id=pk).order_by("-at").first()
        Record.objects.filter(pk=pk).update(voided_at=event.at if event else F("confirmed_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0010_adjusts_daily"),
        ("reviews", "0011_past_of_coverage"),
    ]

    operations = [migrations.RunPython(take_days_from_the_trail, migrations.RunPython.noop)]
