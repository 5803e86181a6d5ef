from django.db import migrations

BATCH = 2000


def _codes_since(apps, at):
    """Code -> organisation as at that moment, by the audit trail: a code may have been changed or given up since."""
    Organization = apps.get_model("orgs", "Organization")
    AuditEvent = apps.get_model("orgs", "AuditEvent")
    found = dict(Organization.objects.order_by().values_list("code", "pk"))
    alive = set(found.values())
    later = AuditEvent.objects.filter(model="orgs.organization", at__gt=at, before__has_key="code").order_by("-pk")
    for pk, before in later.values_list("object_id", "before"):
        found[before["code"]] = pk
    return {code: pk for code, pk in found.items() if pk in alive}


def write_rows(apps, schema_editor):
    """Each line of the stored list becomes a row: code, name and stratum unchanged, so the hash stays what it was."""
    Draw = apps.get_model("reviews", "Draw")
    DrawCandidate = apps.get_model("reviews", "DrawCandidate")
    for pk in list(Draw.objects.order_by("pk").values_list("pk", flat=True)):
        draw = Draw.objects.get(pk=pk)
        orgs = _codes_since(apps, draw.created_at)
        rows = [
            DrawCandidate(draw=draw, organization_id=orgs.get(code), code=code, name=name, stratum=stratum)
            for code, name, stratum in draw.frame
        ]
        DrawCandidate.objects.bulk_create(rows, batch_size=BATCH)


def write_lists(apps, schema_editor):
    """Back: the rows as one list."""
    Draw = apps.get_model("reviews", "Draw")
    for draw in Draw.objects.order_by("pk").iterator(chunk_size=1):
        rows = draw.candidates.order_by("pk").values_list("code", "name", "stratum")
        Draw.objects.filter(pk=draw.pk).update(frame=[list(row) for row in rows])


class Migration(migrations.Migration):
    dependencies = [("reviews", "0014_draw_candidates")]

    operations = [migrations.RunPython(write_rows, write_lists)]
