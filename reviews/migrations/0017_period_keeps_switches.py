"""A half-year keeps the scheme's switches that it was made with; those made before are given the ones of today."""

from django.db import migrations, models


def keep(apps, schema_editor):
    """The switches of the scheme whose rules the period was made with, else of the active one."""
    schemes, periods = apps.get_model("orgs", "Scheme"), apps.get_model("reviews", "Period")
    active = schemes.objects.filter(is_active=True).first()
    for period in periods.objects.filter(derived_at__isnull=False):
        version = period.rule_versions.select_related("rule__scheme").first()
        scheme = version.rule.scheme if version else active
        if scheme is not None:
            period.leaders_as_members, period.new_org_months = scheme.leaders_as_members, scheme.new_org_months
            period.save(update_fields=["leaders_as_members", "new_org_months"])


class Migration(migrations.Migration):
    dependencies = [("reviews", "0016_frame_only_as_rows"), ("orgs", "0010_adjusts_daily")]

    operations = [
        migrations.AddField(
            model_name="period",
            name="leaders_as_members",
            field=models.BooleanField(blank=True, editable=False, null=True, verbose_name="班子成员在所在支部接受点评"),
        ),
        migrations.AddField(
            model_name="period",
            name="new_org_months",
            field=models.PositiveSmallIntegerField(
                blank=True, editable=False, null=True, verbose_name="新建组织起评月数"
            ),
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
