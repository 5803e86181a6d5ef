from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviews", "0015_frames_as_rows")]

    operations = [
        # With a default first: going back, the column must come into a table that has rows.
        migrations.AlterField(
            model_name="draw", name="frame", field=models.JSONField(default=list, verbose_name="抽样名单")
        ),
        migrations.RemoveField(model_name="draw", name="frame"),
    ]
