"""The lines of a preview are listed by direction and rule: of a million, the page reads fifty."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviews", "0012_days_of_voiding")]

    operations = [
        migrations.AddIndex(
            model_name="generationline",
            index=models.Index(fields=["generation", "is_added", "rule_code"], name="generation_line_list"),
        ),
        migrations.AlterField(
            model_name="generationline",
            name="generation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="lines",
                to="reviews.generation",
                verbose_name="任务生成",
            ),
        ),
    ]
