"""Forms of review and grades as rows of the scheme; what uses a form keeps its name beside its code."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0010_adjusts_daily"),
        ("reviews", "0018_draws_dated_by_the_clock"),
    ]

    operations = [
        migrations.AddField(
            model_name="assignment",
            name="form_name",
            field=models.CharField(default="", max_length=20, verbose_name="点评形式"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="record",
            name="grade",
            field=models.CharField(blank=True, max_length=20, verbose_name="评定等次"),
        ),
        migrations.AddField(
            model_name="review",
            name="form_name",
            field=models.CharField(blank=True, max_length=20, verbose_name="点评形式"),
        ),
        migrations.AddField(
            model_name="workplan",
            name="form_names",
            field=models.JSONField(default=list, verbose_name="点评形式"),
        ),
        migrations.AddField(
            model_name="workplanline",
            name="form_name",
            field=models.CharField(blank=True, max_length=20, verbose_name="点评形式"),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="form",
            field=models.CharField(max_length=20, verbose_name="点评形式代码"),
        ),
        migrations.AlterField(
            model_name="review",
            name="form",
            field=models.CharField(blank=True, max_length=20, verbose_name="点评形式代码"),
        ),
        migrations.AlterField(
            model_name="workplan",
            name="forms",
            field=models.JSONField(default=list, verbose_name="点评形式代码"),
        ),
        migrations.AlterField(
            model_name="workplanline",
            name="form",
            field=models.CharField(blank=True, max_length=20, verbose_name="点评形式代码"),
        ),
        migrations.CreateModel(
            name="Grade",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "of",
                    models.CharField(
                        choices=[("organization", "党组织"), ("head", "党组织负责人"), ("member", "党员")],
                        max_length=20,
                        verbose_name="对象",
                    ),
                ),
                ("name", models.CharField(max_length=20, verbose_name="等次")),
                ("order", models.PositiveSmallIntegerField(default=0, verbose_name="排序")),
                (
                    "most_percent",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(99),
                        ],
                        verbose_name="比例上限（%）",
                    ),
                ),
                ("is_on", models.BooleanField(default=True, verbose_name="启用")),
                (
                    "scheme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grades",
                        to="orgs.scheme",
                        verbose_name="方案",
                    ),
                ),
            ],
            options={
                "verbose_name": "评定等次",
                "verbose_name_plural": "评定等次",
                "ordering": ["scheme", "of", "order", "id"],
                "constraints": [models.UniqueConstraint(fields=("scheme", "of", "name"), name="grade_unique")],
            },
        ),
        migrations.CreateModel(
            name="OfferedForm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SlugField(max_length=20, verbose_name="代码")),
                ("name", models.CharField(max_length=20, verbose_name="名称")),
                ("order", models.PositiveSmallIntegerField(default=0, verbose_name="排序")),
                ("is_on", models.BooleanField(default=True, verbose_name="启用")),
                (
                    "scheme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="forms",
                        to="orgs.scheme",
                        verbose_name="方案",
                    ),
                ),
            ],
            options={
                "verbose_name": "点评形式",
                "verbose_name_plural": "点评形式",
                "ordering": ["scheme", "order", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("scheme", "code"), name="form_code_unique"),
                    models.UniqueConstraint(fields=("scheme", "name"), name="form_name_unique"),
                ],
            },
        ),
    ]
