from django.db import migrations, models
from django.db.models import F


def counts_from_its_day(apps, schema_editor):
    """What was sent before counts from the day on which it was sent."""
    apps.get_model("reports", "ProgressReport").objects.update(counts_on=F("sent_on"))


class Migration(migrations.Migration):
    dependencies = [("reports", "0015_annex_keeps_its_words")]

    operations = [
        migrations.AddField(
            model_name="progressreport",
            name="counts_on",
            field=models.DateField(
                blank=True,
                help_text="按时与否看这一天：上报那一天；退回后按期重报的，首次上报那一天",
                null=True,
                verbose_name="计时日期",
            ),
        ),
        migrations.AddField(
            model_name="progressreport",
            name="resend_by",
            field=models.DateField(
                blank=True,
                help_text="退回后这一天以前重报的，仍按首次上报计时",
                null=True,
                verbose_name="重报期限",
            ),
        ),
        migrations.AlterField(
            model_name="progressreport",
            name="sent_on",
            field=models.DateField(blank=True, help_text="上报那一天", null=True, verbose_name="报送日期"),
        ),
        migrations.RunPython(counts_from_its_day, migrations.RunPython.noop),
    ]
