import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The columns of the one measure go, and the indexes that the new constraint makes superfluous."""

    dependencies = [
        ("orgs", "0010_adjusts_daily"),
        ("reports", "0005_totals_into_one_row"),
        ("reviews", "0010_generation"),
    ]

    operations = [
        migrations.RemoveConstraint("coveragetotal", "one_total_per_measure"),
        migrations.AlterField(  # so that it can come back
            "coveragetotal", "measure", models.CharField(verbose_name="口径", max_length=20, default="")
        ),
        migrations.RemoveField("coveragetotal", "measure"),
        migrations.RemoveField("coveragetotal", "due"),
        migrations.RemoveField("coveragetotal", "done"),
        migrations.AlterField(
            "coveragetotal",
            "organization",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="orgs.organization",
                verbose_name="组织",
            ),
        ),
        migrations.AlterField(
            "coveragetotal",
            "period",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="reviews.period",
                verbose_name="点评期",
            ),
        ),
        migrations.AddConstraint(
            "coveragetotal",
            models.UniqueConstraint(fields=["organization", "period"], name="one_total_per_org"),
        ),
    ]
