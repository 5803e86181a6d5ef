from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def keep_today_s_words(apps, schema_editor):
    """What was sent or issued before kept no wording: it keeps that of today from now on."""
    scheme = apps.get_model("orgs", "Scheme").objects.filter(is_active=True).first()
    activity = ""
    if scheme is not None:
        named = f"{scheme.system_name}“{scheme.activity_name}”活动"
        activity = named if scheme.activity_name else scheme.system_name
    apps.get_model("reports", "ProgressReport").objects.exclude(submitted_at=None).update(activity=activity)
    organizations = apps.get_model("orgs", "Organization").objects.filter(pk=OuterRef("organization"))
    periods = apps.get_model("reviews", "Period").objects.filter(pk=OuterRef("period"))
    apps.get_model("reports", "OutsideIssue").objects.update(
        activity=activity,
        unit_name=Subquery(organizations.values("name")[:1]),
        period_name=Subquery(periods.values("name")[:1]),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0011_ranges_hold_ids"),
        ("reports", "0014_lists_of_any_page"),
        ("reviews", "0020_forms_and_grades_shipped"),
    ]

    operations = [
        migrations.AddField(
            model_name="progressreport",
            name="activity",
            field=models.CharField(
                blank=True, default="", help_text="表题第一行，上报时的方案所定", max_length=250, verbose_name="活动"
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="outsideissue",
            name="activity",
            field=models.CharField(
                blank=True, default="", help_text="表题第一行，下发时的方案所定", max_length=250, verbose_name="活动"
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="outsideissue",
            name="unit_name",
            field=models.CharField(default="", help_text="下发时的名称", max_length=200, verbose_name="单位名称"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="outsideissue",
            name="period_name",
            field=models.CharField(default="", help_text="下发时的名称", max_length=50, verbose_name="点评期名称"),
            preserve_default=False,
        ),
        migrations.RunPython(keep_today_s_words, migrations.RunPython.noop),
    ]
