"""Long lists of names are made as exports are; what was asked is kept with them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0012_room_to_count"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="asked",
            field=models.JSONField(
                blank=True, default=dict, help_text="名单：口径、本级、截至、查找", verbose_name="条件"
            ),
        ),
        migrations.AlterField(
            model_name="export",
            name="kind",
            field=models.CharField(
                choices=[("summary", "汇总表"), ("forms", "附件1下发表"), ("missing", "未完成名单")],
                default="summary",
                max_length=10,
                verbose_name="种类",
            ),
        ),
        migrations.AlterField(
            model_name="export",
            name="organizations",
            field=models.PositiveIntegerField(default=0, verbose_name="组织数或行数"),
        ),
    ]
