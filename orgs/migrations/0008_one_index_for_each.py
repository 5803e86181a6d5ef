"""Indexes go with which another one begins: each costs every write, and none of them answers a question alone."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0007_runs_of_events"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="organization",
            name="orgs_organization_tree_id_bb46",
        ),
        migrations.AlterField(
            model_name="charge",
            name="person",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="charges",
                to="orgs.person",
                verbose_name="人员",
            ),
        ),
        migrations.AlterField(
            model_name="charge",
            name="team",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="divisions",
                to="orgs.organization",
                verbose_name="所在班子",
            ),
        ),
        migrations.AlterField(
            model_name="organization",
            name="category",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="organizations",
                to="orgs.category",
                verbose_name="单位类别",
            ),
        ),
        migrations.AlterField(
            model_name="organization",
            name="tree_id",
            field=models.PositiveIntegerField(editable=False),
        ),
        migrations.AlterField(
            model_name="post",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="posts",
                to="orgs.organization",
                verbose_name="组织",
            ),
        ),
        migrations.AlterField(
            model_name="post",
            name="person",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="posts",
                to="orgs.person",
                verbose_name="人员",
            ),
        ),
    ]
