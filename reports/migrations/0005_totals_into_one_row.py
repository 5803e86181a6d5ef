from django.db import migrations

MEASURES = ("leaders", "organizations", "members")
SIX = [(measure, name) for measure in MEASURES for name in ("due", "done")]


def gather(apps, schema_editor):
    """One row an organisation and period, of its three; marked by an empty measure until the column goes."""
    columns = ", ".join(f"{measure}_{name}" for measure, name in SIX)
    sums = ", ".join(f"SUM(CASE WHEN measure = '{measure}' THEN {name} ELSE 0 END)" for measure, name in SIX)
    schema_editor.execute(
        f"INSERT INTO reports_coveragetotal (period_id, organization_id, measure, due, done, {columns})"  # noqa: S608
        f" SELECT period_id, organization_id, '', 0, 0, {sums} FROM reports_coveragetotal"
        " GROUP BY period_id, organization_id"
    )
    schema_editor.execute("DELETE FROM reports_coveragetotal WHERE measure <> ''")


def scatter(apps, schema_editor):
    """Three rows of each again."""
    columns = ", ".join(f"{measure}_{name}" for measure, name in SIX)
    nothing = ", ".join(["0"] * len(SIX))
    for measure in MEASURES:
        schema_editor.execute(
            f"INSERT INTO reports_coveragetotal (period_id, organization_id, measure, due, done, {columns})"  # noqa: S608
            f" SELECT period_id, organization_id, '{measure}', {measure}_due, {measure}_done, {nothing}"
            " FROM reports_coveragetotal WHERE measure = ''"
        )
    schema_editor.execute("DELETE FROM reports_coveragetotal WHERE measure = ''")


class Migration(migrations.Migration):
    dependencies = [("reports", "0004_total_of_three_measures")]

    operations = [migrations.RunPython(gather, scatter)]
