"""Which units of the system of 2010 report annex 1: those that the notice names as units, not their inner branches.

And the day of sending of the reports that were sent before there was one.
"""

from django.db import migrations
from django.utils import timezone

RULES = {
    "总局机关": "committees",
    "总局机关内设": "none",
    "国家委": "committees",
    "国家委机关": "none",
    "直属挂靠单位": "all",  # 党委（总支、支部）
    "直属挂靠单位内设": "none",
    "直属检验检疫局": "committees",
    "省级质监局": "committees",
    "分支机构": "committees",
    "机关内设机构": "none",
    "直属单位": "committees",
}


def write(apps, schema_editor):
    """A row for each category of the scheme that is there."""
    category, rule = apps.get_model("orgs", "Category"), apps.get_model("reports", "ReportingRule")
    known = dict(category.objects.filter(scheme__code="aqsiq-2010").values_list("name", "pk"))
    rule.objects.bulk_create(
        rule(category_id=known[name], reporters=reporters) for name, reporters in RULES.items() if name in known
    )


def date(apps, schema_editor):
    """Sent on the local day of the moment."""
    report = apps.get_model("reports", "ProgressReport")
    found = list(report.objects.filter(submitted_at__isnull=False))
    for each in found:
        each.sent_on = timezone.localdate(each.submitted_at)
    report.objects.bulk_update(found, ["sent_on"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0007_annex_up_the_tree"),
        ("reviews", "0002_scheme_aqsiq_2010"),
    ]

    operations = [
        migrations.RunPython(write, migrations.RunPython.noop),
        migrations.RunPython(date, migrations.RunPython.noop),
    ]
