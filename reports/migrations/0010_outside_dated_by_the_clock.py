"""When a form was issued and a file came back: by the clock, which a demonstration or a training day lets stand still."""

from django.db import migrations, models

import orgs.clock


class Migration(migrations.Migration):
    dependencies = [("reports", "0009_outside_the_system")]

    operations = [
        migrations.AlterField(
            model_name="outsideissue",
            name="issued_at",
            field=models.DateTimeField(default=orgs.clock.now, editable=False, verbose_name="下发时间"),
        ),
        migrations.AlterField(
            model_name="returnedform",
            name="at",
            field=models.DateTimeField(default=orgs.clock.now, editable=False, verbose_name="上传时间"),
        ),
    ]
