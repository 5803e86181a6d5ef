"""Who of two joint reviewers must act becomes a choice; so far each of them had to."""

from django.db import migrations, models


def choose(apps, schema_editor):
    apps.get_model("reviews", "Rule").objects.filter(is_joint=True).update(joint="each")


def unchoose(apps, schema_editor):
    apps.get_model("reviews", "Rule").objects.exclude(joint="none").update(is_joint=True)


class Migration(migrations.Migration):
    dependencies = [("reviews", "0003_assignments_draws_plans")]
    operations = [
        migrations.AddField(
            "rule",
            "joint",
            models.CharField(
                choices=[
                    ("none", "不是共同点评"),
                    ("each", "双方都要点评（一次联合点评可同时完成）"),
                    ("any", "任何一方点评即可"),
                ],
                default="none",
                help_text="两个组织共同负责：各有一项任务",
                max_length=10,
                verbose_name="共同点评",
            ),
        ),
        migrations.RunPython(choose, unchoose),
        migrations.RemoveField("rule", "is_joint"),
    ]
