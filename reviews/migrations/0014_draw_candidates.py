"""A draw's frame as one row an organisation: everybody in it sees the draw, found by an index."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0010_adjusts_daily"),
        ("reviews", "0013_index_generation_lines"),
    ]

    operations = [
        migrations.CreateModel(
            name="DrawCandidate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40, verbose_name="组织代码")),
                ("name", models.CharField(max_length=200, verbose_name="组织名称")),
                ("stratum", models.CharField(max_length=50, verbose_name="层")),
                (
                    "draw",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="candidates",
                        to="reviews.draw",
                        verbose_name="随机抽取",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        help_text="空：名单固定以后组织被删除",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orgs.organization",
                        verbose_name="组织",
                    ),
                ),
            ],
            options={
                "verbose_name": "抽样名单",
                "verbose_name_plural": "抽样名单",
                "ordering": ["pk"],
                "indexes": [models.Index(fields=["organization", "draw"], name="draw_candidate_org")],
                "constraints": [models.UniqueConstraint(fields=("draw", "code"), name="draw_candidate_code")],
            },
        ),
    ]
