"""When a draw was committed to: by the clock, which a demonstration or a training day lets stand still."""

from django.db import migrations, models

import orgs.clock


class Migration(migrations.Migration):
    dependencies = [("reviews", "0017_period_keeps_switches")]

    operations = [
        migrations.AlterField(
            model_name="draw",
            name="created_at",
            field=models.DateTimeField(default=orgs.clock.now, editable=False, verbose_name="制定时间"),
        ),
    ]
