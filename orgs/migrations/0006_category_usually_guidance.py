"""Which categories are usually only guided by their superior is said by the scheme, no longer by the import."""

from django.db import migrations, models


def flag(apps, schema_editor):
    category = apps.get_model("orgs", "Category")
    category.objects.filter(scheme__code="aqsiq-2010", name="省级质监局").update(usually_guidance=True)


class Migration(migrations.Migration):
    dependencies = [("orgs", "0005_former_states")]
    operations = [
        migrations.AddField(
            "category",
            "usually_guidance",
            models.BooleanField(
                default=False,
                help_text="由地方党委领导的单位：登记成隶属时，导入会提醒，异常情况会列出",
                verbose_name="上级通常只是指导",
            ),
        ),
        migrations.AlterField(
            "scheme",
            "system_name",
            models.CharField(
                blank=True,
                help_text="各附件表头中活动名称之前的字，例如“全国某某系统”",
                max_length=100,
                verbose_name="系统名称",
            ),
        ),
        migrations.RunPython(flag, migrations.RunPython.noop),
    ]
