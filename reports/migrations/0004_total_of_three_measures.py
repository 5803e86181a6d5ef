from django.db import migrations, models

NAMES = {
    "leaders_due": "领导应参加",
    "leaders_done": "领导已参加",
    "organizations_due": "党组织应点评",
    "organizations_done": "党组织已点评",
    "members_due": "党员应点评",
    "members_done": "党员已点评",
}


class Migration(migrations.Migration):
    """Room for all three measures in one row; filled by the next migration, the old columns go in the one after."""

    dependencies = [("reports", "0003_nudge")]

    operations = [
        migrations.AddField("coveragetotal", name, models.IntegerField(verbose_name, default=0))
        for name, verbose_name in NAMES.items()
    ]
